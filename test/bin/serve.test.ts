import { strict as assert } from 'node:assert';
import { serve, type Lifecycle } from '../../bin/serve.ts';
import { FakeHost, recordingLog } from './support/fake-host.ts';

interface Settle {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A program whose start and stop end when the test says so. */
function controlled() {
  const calls: string[] = [];
  let started: Settle = { resolve: () => undefined, reject: () => undefined };
  let stopped = started;
  const program: Lifecycle = {
    start: () => {
      calls.push('start');
      return new Promise<void>((resolve, reject) => (started = { resolve, reject }));
    },
    stop: () => {
      calls.push('stop');
      return new Promise<void>((resolve, reject) => (stopped = { resolve, reject }));
    },
  };
  return { program, calls, started: () => started, stopped: () => stopped };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('serving', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stops the program on ${signal}, once it is stopped with status 0`, async () => {
      const { program, calls, started, stopped } = controlled();
      const host = new FakeHost();
      const status = serve(program, recordingLog().log, host);
      started().resolve();
      await nextTurn();
      assert.deepEqual(calls, ['start']);
      host.emit(signal, signal);
      assert.deepEqual(calls, ['start', 'stop']);
      stopped().resolve();
      assert.equal(await status, 0);
      assert.deepEqual(host.exits, []);
    });
  }

  it('reads again on SIGHUP, where there is something to read, and does not end', async () => {
    const { program, calls } = controlled();
    const reload = (): Promise<void> => {
      calls.push('reload');
      return Promise.resolve();
    };
    const [host, other] = [new FakeHost(), new FakeHost()];
    const { log, lines } = recordingLog();
    void serve({ ...program, reload }, log, host);
    host.emit('SIGHUP', 'SIGHUP');
    host.emit('SIGTERM', 'SIGTERM');
    host.emit('SIGHUP', 'SIGHUP');
    await nextTurn();
    assert.deepEqual(calls, ['start', 'reload', 'stop']);

    void serve(controlled().program, log, other);
    other.emit('SIGHUP', 'SIGHUP');
    await nextTurn();
    assert.ok(lines.some(({ msg }) => msg === 'nothing to read again'));
    assert.deepEqual([host.exits, other.exits], [[], []]);
  });

  it('ends at once on a second signal, with the status of that signal', () => {
    for (const [first, second, status] of [
      ['SIGTERM', 'SIGTERM', 143],
      ['SIGTERM', 'SIGINT', 130],
      ['SIGINT', 'SIGTERM', 143],
    ] as const) {
      const { program, calls } = controlled();
      const host = new FakeHost();
      void serve(program, recordingLog().log, host);
      host.emit(first, first);
      assert.deepEqual(host.exits, []);
      host.emit(second, second);
      assert.deepEqual(host.exits, [status]);
      assert.deepEqual(calls, ['start', 'stop']);
    }
  });

  it('stops a program that is still starting, whatever becomes of the start', async () => {
    const { program, started, stopped } = controlled();
    const host = new FakeHost();
    const { log, lines } = recordingLog();
    const status = serve(program, log, host);
    host.emit('SIGTERM', 'SIGTERM');
    started().reject(new Error('interrupted'));
    await nextTurn();
    stopped().resolve();
    assert.equal(await status, 0);
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      ['stopping', 'stopped'],
    );
  });

  it('logs a failed start, stops what did start, and ends with 1', async () => {
    const { program, calls, started, stopped } = controlled();
    const { log, lines } = recordingLog();
    const status = serve(program, log, new FakeHost());
    started().reject(new Error('no port'));
    await nextTurn();
    assert.deepEqual(calls, ['start', 'stop']);
    stopped().resolve();
    assert.equal(await status, 1);
    assert.deepEqual(lines[0], { ...lines[0]!, level: 60, msg: 'start failed' });
  });

  it('ends with 1 when the stop fails', async () => {
    const { program, stopped } = controlled();
    const { log, lines } = recordingLog();
    const host = new FakeHost();
    const status = serve(program, log, host);
    host.emit('SIGINT', 'SIGINT');
    stopped().reject(new Error('stuck'));
    assert.equal(await status, 1);
    assert.ok(lines.some(({ level, msg }) => level === 60 && msg === 'stop failed'));
  });

  for (const event of ['uncaughtException', 'unhandledRejection']) {
    it(`logs an ${event} as fatal in one line and ends with 1`, () => {
      const { log, lines } = recordingLog();
      const host = new FakeHost();
      void serve(controlled().program, log, host);
      host.emit(event, new Error('a bug'));
      assert.deepEqual(host.exits, [1]);
      assert.deepEqual(
        lines.map(({ level, msg }) => [level, msg]),
        [[60, 'uncaught error']],
      );
    });
  }
});
