/** Serves a program that behaves as the first argument says, as `flashcast` does. */
import { runProgram } from '../../../bin/run-program.ts';
import type { Lifecycle } from '../../../bin/serve.ts';
import type { Logger } from '../../../shared/log.ts';

const [behaviour = '', ...argv] = process.argv.slice(2);

function create(_settings: unknown, log: Logger): Lifecycle {
  if (behaviour === 'cannot be made') fail();
  let handle: NodeJS.Timeout | undefined;
  return {
    start: () => {
      if (behaviour === 'start fails') return Promise.reject(new Error('cannot reach redis://user:hunter2@redis'));
      handle = setInterval(() => undefined, 60_000);
      if (behaviour === 'throws') setImmediate(() => fail());
      if (behaviour === 'rejects') setImmediate(() => void Promise.reject(new Error('ws://host/hunter2 went away')));
      log.info('ready');
      return Promise.resolve();
    },
    stop: () => {
      if (behaviour === 'hangs') return new Promise(() => undefined);
      if (behaviour !== 'leaks') clearInterval(handle);
      return Promise.resolve();
    },
  };
}

function fail(): never {
  throw Object.assign(new Error('ws://host/hunter2 went away'), { uri: 'hunter2' });
}

process.exitCode = await runProgram('proxy', argv, process, () => Promise.resolve(create));
