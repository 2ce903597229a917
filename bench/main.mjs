// `npm run bench`: decides which Redis the rows run on, as `npm test` does, and runs them over the built programs.
import { constants } from 'node:os';
import 'ts-blank-space/register';

const { CHOICE_VARIABLE, findRedis } = await import('../test/support/redis-finder.ts');

try {
  process.env[CHOICE_VARIABLE] = JSON.stringify(await findRedis({ whole: true }));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const { main } = await import('./run.ts');

// The programs of a row are processes of their own, which do not end with this one. A second signal ends it where it stands.
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interruption.abort(signal));

try {
  process.exitCode = await main(process.argv.slice(2), interruption.signal);
} catch (error) {
  if (!interruption.signal.aborted) throw error;
  process.exitCode = 128 + constants.signals[interruption.signal.reason];
}
