// `npm run test:chaos`: decides which Redis the rows run on, as `npm test` does, and runs them over the built programs.
import 'ts-blank-space/register';

const { CHOICE_VARIABLE, TEXT_VARIABLE, describeRedis, findRedis } = await import('../support/redis-finder.ts');

try {
  const choice = await findRedis({ whole: true });
  if (choice.own === undefined)
    throw new Error('The chaos suite restarts its Redis: start Docker, or put redis-server on PATH.');
  process.env[CHOICE_VARIABLE] = JSON.stringify(choice);
  process.env[TEXT_VARIABLE] = await describeRedis(choice);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const { main } = await import('./run.ts');
// A row that was interrupted may still wait for something that does not come any more.
process.exit(await main(process.argv.slice(2)));
