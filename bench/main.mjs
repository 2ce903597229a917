// `npm run bench`: decides which Redis the rows run on, as `npm test` does, and runs them over the built programs.
import 'ts-blank-space/register';

const { CHOICE_VARIABLE, findRedis } = await import('../test/support/redis-finder.ts');

try {
  process.env[CHOICE_VARIABLE] = JSON.stringify(await findRedis({ whole: true }));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const { main } = await import('./run.ts');
process.exitCode = await main(process.argv.slice(2));
