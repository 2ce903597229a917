import { strict as assert } from 'node:assert';
import { Registry } from 'prom-client';
import { WorkerGroup } from '../../../bin/workers/group.ts';
import { groupChecks, groupStatus } from '../../../bin/workers/group-status.ts';
import { WORKER_STATES } from '../../../bin/workers/slot.ts';
import { createWorkerGroupMetrics } from '../../../shared/metrics/worker-group-metrics.ts';
import { isReady } from '../../../shared/operations/check.ts';
import { FakeClock, settle } from '../../edge/limits/fake-clock.ts';
import { MINIMAL, settings } from '../../shared/config/support.ts';
import { recordingLog } from '../support/fake-host.ts';
import { FakeWorkers } from './fake-worker.ts';

function setUp(count = 3, env: Readonly<Record<string, string>> = {}) {
  const clock = new FakeClock();
  const workers = new FakeWorkers();
  const { log, lines } = recordingLog();
  const registry = new Registry();
  const metrics = createWorkerGroupMetrics(registry, WORKER_STATES, () => 0);
  const stall = { stalled: false, check: () => stall.stalled };
  const edgeSettings = settings('edge', { env: { ...MINIMAL.edge, EDGE_ID: 'tokyo', ...env } });
  const group = new WorkerGroup(edgeSettings, count, { spawn: workers.spawn, clock, stall, metrics, log });
  const ready = (): boolean => isReady(groupChecks(group));
  const ends = async (): Promise<Record<string, number>> => {
    const [metric] = (await registry.getMetricsAsJSON()).filter(({ name }) => name === 'flashcast_worker_ends_total');
    return Object.fromEntries(metric!.values.map(({ labels, value }) => [String(labels['how']), value] as const));
  };
  const states = (): string[] => group.slots.map((slot) => slot.state(group.now()));
  return { clock, workers, lines, stall, group, ready, ends, states };
}

/** A group whose workers all serve. */
async function serving(count = 3, env: Readonly<Record<string, string>> = {}) {
  const world = setUp(count, env);
  const started = world.group.start();
  for (const worker of world.workers.all) worker.serve();
  await started;
  return world;
}

async function fails(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  await assert.rejects(promise, pattern);
}

describe('a group of workers', () => {
  it('gives each worker its number, an id of its own to Redis, its part of MAX_PENDING, and no operations port', async () => {
    const { workers } = await serving(3, { MAX_PENDING: '100', INSTANCE_CONNECTION_LIMIT: '7' });
    const begun = workers.all.map(({ orders: [order] }) => (order?.kind === 'begin' ? order : assert.fail()));
    assert.deepEqual(
      begun.map(({ number, settings }) => [number, settings.edgeId, settings.maxPending, settings.metrics]),
      [1, 2, 3].map((number) => [number, `tokyo-${number}`, 34, false]),
    );
    assert.ok(begun.every(({ settings }) => settings.instanceConnectionLimit === 7));
  });

  it('is ready when all have begun to serve, and then while half of them are well', async () => {
    const { group, workers, ready, clock } = setUp(3);
    const started = group.start();
    workers.at(0).serve();
    workers.at(1).serve();
    assert.equal(ready(), false);
    workers.at(2).serve();
    await started;
    assert.equal(ready(), true);
    workers.at(0).die();
    assert.equal(ready(), true);
    workers
      .at(1)
      .say({ kind: 'report', report: { checks: [{ name: 'ring', ok: false }], status: {}, pageMetrics: [] } });
    assert.equal(ready(), false);
    workers.at(1).beat();
    assert.equal(ready(), true);
    await clock.advance(2100);
    assert.equal(ready(), false, 'a worker that says nothing counts as ready');
    assert.deepEqual(
      groupChecks(group)
        .filter(({ name }) => /^worker-\d$/.test(name))
        .map(({ detail }) => detail),
      ['starting', 'silent', 'silent'],
    );
  });

  it('ends with a sentence when a worker cannot start, and starts no other in its place', async () => {
    const { group, workers, clock } = setUp(3);
    const started = group.start();
    workers.at(1).say({ kind: 'hello' });
    workers.at(1).say({ kind: 'failed', reason: 'listen EADDRINUSE: address already in use' });
    workers.at(1).exit(1);
    await fails(started, /^Error: worker 2 could not start: listen EADDRINUSE/);
    await clock.advance(60_000);
    assert.equal(workers.all.length, 3);
  });

  it('tells how a worker ended that could not say why', async () => {
    for (const [end, pattern] of [
      [{ code: 3, signal: null }, /worker 1 could not start: exit status 3$/],
      [{ code: null, signal: 'SIGSEGV' }, /worker 1 could not start: signal SIGSEGV$/],
    ] as const) {
      const { group, workers } = setUp(2);
      const started = group.start();
      if (end.signal === null) workers.at(0).exit(end.code);
      else workers.at(0).die(end.signal);
      await fails(started, pattern);
    }
  });

  it('replaces a worker that ends, ever more slowly when the next ones end too, and counts it', async () => {
    const { workers, clock, ends, group, states } = await serving(2);
    for (const delayMs of [100, 200, 400, 800]) {
      const born = workers.all.length;
      workers.at(born === 2 ? 0 : born - 1).die();
      assert.deepEqual(states(), ['restarting', 'serving']);
      await clock.advance(delayMs - 1);
      assert.equal(workers.all.length, born);
      await clock.advance(1);
      assert.equal(workers.all.length, born + 1);
      workers.at(born).serve();
      workers.at(1).beat();
    }
    for (let second = 0; second < 61; second += 1) {
      await clock.advance(1000);
      for (const index of [1, workers.all.length - 1]) workers.at(index).beat();
    }
    const last = workers.all.length - 1;
    workers.at(last).exit(1);
    await clock.advance(100);
    assert.equal(workers.all.length, last + 2, 'one that lived well is replaced at once again');
    assert.deepEqual(await ends(), { exit: 1, signal: 4, hung: 0 });
    assert.equal(group.slots[0]!.replacements, 5);
  });

  it('goes on replacing one worker while another serves, and ends when none stays alive', async () => {
    const { group, workers, clock } = await serving(2);
    const failures: unknown[] = [];
    group.failed.catch((error: unknown) => failures.push(error));
    const dies = async (index: number): Promise<void> => {
      workers.at(index).exit(1);
      await clock.advance(10_000);
    };
    await dies(0);
    for (let index = 2; index < 12; index += 1) {
      workers.at(1).beat();
      await dies(index);
    }
    await settle();
    assert.deepEqual(failures, []);
    workers.at(1).exit(1);
    for (let turn = 0; turn < 20 && failures.length === 0; turn += 1) {
      const born = workers.all.length;
      await clock.advance(10_000);
      for (const worker of workers.all.slice(born)) {
        worker.say({ kind: 'hello' });
        worker.exit(1);
      }
    }
    assert.match(String(failures[0]), /^Error: no worker stays alive; the last one ended with: exit status 1$/);
  });

  it('ends and replaces a worker that stands still, and none when the primary itself stood still', async () => {
    const { workers, clock, stall, ends, states, lines } = await serving(2);
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(1000);
      workers.at(1).beat();
    }
    assert.deepEqual(states(), ['silent', 'serving']);
    assert.equal(workers.at(0).killed, false);
    await clock.advance(1000);
    assert.deepEqual([workers.at(0).killed, workers.at(1).killed], [true, false]);
    assert.ok(lines.some(({ msg }) => msg === 'worker stands still, ending it'));
    workers.at(0).die();
    assert.deepEqual(await ends(), { exit: 0, signal: 0, hung: 1 });
    await clock.advance(100);
    workers.at(2).serve();
    stall.stalled = true;
    await clock.advance(30_000);
    assert.deepEqual([workers.at(1).killed, workers.at(2).killed], [false, false]);
  });

  it('gives a worker that starts more time', async () => {
    const { group, workers, clock } = setUp(1);
    group.start().catch(() => undefined);
    await clock.advance(29_000);
    assert.equal(workers.at(0).killed, false);
    await clock.advance(2000);
    assert.equal(workers.at(0).killed, true);
  });

  it('drains all workers once, starts no other meanwhile, and ends when they have', async () => {
    const { group, workers, clock, ready, lines } = await serving(3);
    workers.at(2).die();
    let over = false;
    void group.stop().then(() => (over = true));
    void group.stop();
    assert.equal(ready(), false);
    assert.deepEqual(
      workers.all.map((worker) => worker.ordered('stop')),
      [1, 1, 0],
    );
    await clock.advance(1000);
    workers.at(0).exit(0);
    await settle();
    assert.equal(over, false);
    workers.at(1).die();
    await settle();
    assert.equal(over, true);
    assert.equal(workers.all.length, 3);
    assert.equal(clock.pending, 0);
    assert.ok(lines.some(({ msg }) => msg === 'worker ended before it was drained'));
  });

  it('ends workers that do not drain in time, and those at once that have not begun', async () => {
    const { group, workers, clock } = setUp(2, { DRAIN_TIMEOUT_MS: '4000', DRAIN_DELAY_MS: '0' });
    const started = group.start();
    workers.at(0).serve();
    const stopped = group.stop();
    await started;
    assert.deepEqual([workers.at(0).killed, workers.at(1).killed], [false, true]);
    workers.at(1).die();
    workers.at(0).beat();
    await clock.advance(5900);
    assert.equal(workers.at(0).killed, false);
    await clock.advance(200);
    assert.equal(workers.at(0).killed, true);
    workers.at(0).die();
    await stopped;
  });

  it('does nothing when it was stopped before it started', async () => {
    const { group, workers } = setUp(2);
    await group.stop();
    await group.start();
    assert.equal(workers.all.length, 0);
  });

  it('has all workers read again', async () => {
    const { group, workers } = await serving(2);
    group.reload();
    assert.deepEqual(
      workers.all.map((worker) => worker.ordered('reload')),
      [1, 1],
    );
  });

  it('lends the places of a worker that is gone to the others', async () => {
    const { workers } = await serving(2, { INSTANCE_CONNECTION_LIMIT: '5' });
    const granted = (index: number): unknown[] =>
      workers.at(index).orders.flatMap((order) => (order.kind === 'granted' ? [order.places] : []));
    workers.at(0).say({ kind: 'places', freed: 0, wanted: 4 });
    workers.at(1).say({ kind: 'places', freed: 0, wanted: 4 });
    assert.deepEqual([granted(0), granted(1)], [[4], [1]]);
    workers.at(0).die();
    workers.at(1).say({ kind: 'places', freed: 0, wanted: 9 });
    assert.deepEqual(granted(1), [1, 4]);
  });

  it('tells the figures of all workers together, those of the stream from the one that is ahead', async () => {
    const { group, workers } = await serving(2);
    workers
      .at(0)
      .beat({ clients: 3, pendingConnections: 1, lastSequence: 9, lastPosition: { blockNumber: 1, index: 9 } });
    workers
      .at(1)
      .beat({ clients: 4, pendingConnections: 0, lastSequence: 10, lastPosition: { blockNumber: 2, index: 0 } });
    const status = groupStatus(group) as Record<string, unknown> & { workers: Record<string, unknown>[] };
    assert.deepEqual(
      [status['clients'], status['pendingConnections'], status['lastSequence'], status['lastPosition']],
      [7, 1, 10, { blockNumber: 2, index: 0 }],
    );
    assert.deepEqual(
      status.workers.map(({ worker, pid, state, clients }) => [worker, pid, state, clients]),
      [
        [1, 1000, 'serving', 3],
        [2, 1001, 'serving', 4],
      ],
    );
  });
});
