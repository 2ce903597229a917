import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Logger } from '../shared/log.ts';

/** What every serving program is. `stop` is idempotent, may be called while `start` runs, and leaves no handle open. */
export interface Lifecycle {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Reads again what may change while it runs. */
  reload?(): Promise<void>;
  /** Rejects when it cannot go on, at any time after the start. */
  readonly failed?: Promise<never>;
}

/** What is used of the process: its signals and uncaught errors, and its end. */
export interface HostProcess extends Pick<EventEmitter, 'on' | 'off'> {
  exit(code: number): void;
  getActiveResourcesInfo(): string[];
}

/** Handles of a stopped program are gone within one turn of the loop; what is open after this is a leak. */
const LEAK_CHECK_MS = 1000;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs a program until a signal stops it. The first SIGTERM or SIGINT stops it, a second one ends the process at once
 * with the status of that signal. SIGHUP reads again what may change, and ends no program. An uncaught error is a bug: it is logged and ends the process with 1.
 *
 * @returns the exit status, once the program has stopped; the process then ends by itself, or is ended when a handle was
 *   left open, which is logged
 */
export async function serve(program: Lifecycle, log: Logger, host: HostProcess): Promise<number> {
  let settle: (status: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    settle = resolve;
  });
  let stopping = false;

  const stop = (status: number): void => {
    stopping = true;
    program.stop().then(
      () => settle(status),
      (error: unknown) => {
        log.fatal({ err: error }, 'stop failed');
        settle(1);
      },
    );
  };
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (stopping) {
      log.warn({ signal }, 'second signal, ending at once');
      host.exit(128 + constants.signals[signal]);
      return;
    }
    log.info({ signal }, 'stopping');
    stop(0);
  };
  const onUncaught = (error: unknown): void => {
    log.fatal({ err: error }, 'uncaught error');
    host.exit(1);
  };

  const onHangup = (): void => {
    if (stopping) return;
    log.info({ signal: 'SIGHUP' }, program.reload === undefined ? 'nothing to read again' : 'reading again');
    program.reload?.().catch(onUncaught);
  };

  for (const signal of SIGNALS) host.on(signal, onSignal);
  host.on('SIGHUP', onHangup);
  host.on('uncaughtException', onUncaught);
  host.on('unhandledRejection', onUncaught);

  const onFailed = (error: unknown, what: string): void => {
    // Stopped meanwhile, or told already: that it did not end well is no news.
    if (stopping) return;
    log.fatal({ err: error }, what);
    stop(1);
  };
  program.start().catch((error: unknown) => {
    onFailed(error, 'start failed');
  });
  program.failed?.catch((error: unknown) => {
    onFailed(error, 'failed');
  });

  const status = await stopped;
  log.info({ status }, 'stopped');
  setTimeout(() => {
    log.warn({ resources: host.getActiveResourcesInfo() }, 'handles left open, ending');
    host.exit(status);
  }, LEAK_CHECK_MS).unref();
  return status;
}
