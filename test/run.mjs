// `npm test`: decides once which Redis the tests run on, runs mocha with the arguments that were given, and hands on its
// exit status.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import 'ts-blank-space/register';

const { CHOICE_VARIABLE, TEXT_VARIABLE, describeRedis, findRedis } = await import('./support/redis-finder.ts');

let environment;
try {
  const choice = await findRedis({ whole: true });
  environment = { [CHOICE_VARIABLE]: JSON.stringify(choice), [TEXT_VARIABLE]: await describeRedis(choice) };
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const require = createRequire(import.meta.url);
const args = [require.resolve('mocha/bin/mocha.js'), '--reporter', require.resolve('./support/reporter.mjs')];
const given = process.argv.slice(2);
const files = given.some((argument) => argument.endsWith('.test.ts')) ? [] : ['test/**/*.test.ts'];
const tests = spawn(process.execPath, [...args, ...given, ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => tests.kill(signal));
tests.on('exit', (code) => (process.exitCode = code ?? 1));
