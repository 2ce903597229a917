import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineOf } from '../edge/keys/records.ts';
import { openProgramsRedis, type ProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { Knock, closeAll, eventually, sharesLimits, tally } from '../support/knocks.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { startEdge, startIngest, type Server, type Settings } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

interface WorkerStatus {
  readonly worker: number;
  readonly pid: number;
  readonly state: string;
  readonly clients: number;
}

async function workersOf(edge: Server): Promise<WorkerStatus[]> {
  return (JSON.parse(await edge.page('/status.json')) as { workers: WorkerStatus[] }).workers;
}

/** The clients of each worker, once all of so many are reported. */
async function spread(edge: Server, clients: number): Promise<number[]> {
  let counts: number[] = [];
  await eventually(async () => {
    counts = (await workersOf(edge)).map(({ clients: of }) => of);
    return counts.reduce((sum, of) => sum + of, 0) === clients;
  }, `${clients} clients in the status`);
  return counts;
}

async function isGone(pid: number): Promise<boolean> {
  await Promise.resolve();
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

describe('black box: an edge of several workers', function () {
  this.timeout(60_000);
  const use = usesResources();

  async function edgeOf(workers: number, redis: ProgramsRedis, settings: Settings = {}): Promise<Server> {
    const edge = use(
      await startEdge(redis.url, {
        ...redis.settings,
        EDGE_WORKERS: String(workers),
        MAX_PENDING_PER_IP: '5000',
        ...settings,
      }),
    );
    return edge.ready();
  }

  /** An edge, its ingest and a builder that sends every 20 ms. */
  async function streaming(workers: number, settings: Settings = {}) {
    const redis = use(await openProgramsRedis());
    const builder = use(await TestBuilder.start());
    const edge = await edgeOf(workers, redis, settings);
    const ingest = use(await startIngest([builder.url], redis.url, redis.settings));
    await ingest.ready();
    return { redis, builder, edge };
  }

  /** Clients, with so many at each worker at least: which worker a connection comes to is the kernel's choice. */
  async function swarmOver(edge: Server, clients: number, each = 1): Promise<ClientSwarm> {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const swarm = await ClientSwarm.connect({ port: edge.port, clients });
      if ((await spread(edge, clients)).every((count) => count >= each)) return use(swarm);
      await swarm.stop();
      await spread(edge, 0);
    }
    throw new Error('one worker gets no clients');
  }

  it('serves each client of each worker every message in order, and tells of all as one', async () => {
    const { builder, edge } = await streaming(3);
    const swarm = await swarmOver(edge, 60);
    const stream = use(new PacedStream(builder, 20));
    await stream.sentMore(40);
    stream.stop();
    await swarm.received(stream.sent.length);
    for (const client of swarm.clients) assert.deepEqual(client.positions, stream.sent);
    const expected = {
      websocket_proxy_active_connections: 60,
      websocket_proxy_new_connections: 60,
      websocket_proxy_sent_messages: 60 * stream.sent.length,
      flashcast_stream_messages_total: stream.sent.length,
      flashcast_redis_up: 1,
    };
    for (const [name, value] of Object.entries(expected)) {
      if (name === 'websocket_proxy_new_connections') assert.ok((await edge.metric(name)) >= value);
      else assert.equal(await edge.metric(name), value, name);
    }
    assert.equal(await edge.metric('flashcast_workers', 'state="serving"'), 3);
    const { ready, checks } = JSON.parse(await edge.page('/readyz')) as { ready: boolean; checks: { name: string }[] };
    assert.equal(ready, true);
    for (const name of ['workers', 'worker-1-ring', 'worker-3-backplane'])
      assert.ok(
        checks.some((check) => check.name === name),
        name,
      );
  });

  it('lets exactly INSTANCE_CONNECTION_LIMIT in of 500 that come at once, and again when they have left', async () => {
    const redis = use(await openProgramsRedis());
    const edge = await edgeOf(3, redis, { INSTANCE_CONNECTION_LIMIT: '100', CLIENT_PING_ENABLED: 'false' });
    for (let round = 0; round < 5; round += 1) {
      const knocks = await Promise.all(Array.from({ length: 500 }, () => Knock.at(edge.port)));
      assert.deepEqual(tally(knocks), { 101: 100, '429 Global limit': 400 }, `round ${round}`);
      await closeAll(knocks);
      await spread(edge, 0);
    }
    assert.equal(await edge.metric('flashcast_instance_connection_limit'), 100);
    assert.equal(await edge.metric('websocket_proxy_global_rate_limited_requests'), 2000);
  });

  it('counts the clients of an address over all workers', async () => {
    const redis = use(await openProgramsRedis());
    const edge = await edgeOf(2, redis, { PER_IP_CONNECTION_LIMIT: '10' });
    await sharesLimits(edge);
    const knocks = await Promise.all(Array.from({ length: 200 }, () => Knock.from('203.0.113.5', edge.port)));
    assert.deepEqual(tally(knocks), { 101: 10, '429 IP limit exceeded': 190 });
    await closeAll(knocks);
  });

  it('replaces a worker that is killed; the clients of the others notice nothing, and no counter goes back', async () => {
    const { builder, edge } = await streaming(2, { INSTANCE_CONNECTION_LIMIT: '60' });
    const swarm = await swarmOver(edge, 60, 5);
    const stream = use(new PacedStream(builder, 20));
    await stream.sentMore(20);
    const before = await edge.metric('websocket_proxy_sent_messages');
    const [victim, other] = await workersOf(edge);
    process.kill(victim!.pid, 'SIGKILL');
    await eventually(
      async () => (await workersOf(edge)).every(({ pid, state }) => pid !== victim!.pid && state === 'serving'),
      'a worker in its place',
    );
    await stream.sentMore(20);
    const closed = swarm.clients.filter((client) => client.closed);
    const kept = swarm.clients.filter((client) => !client.closed);
    assert.deepEqual([closed.length, kept.length], [victim!.clients, other!.clients]);
    // The places of the killed worker's clients are free again, and no others.
    const again = await Promise.all(Array.from({ length: 60 }, () => Knock.at(edge.port)));
    assert.deepEqual(tally(again), { 101: victim!.clients, '429 Global limit': 60 - victim!.clients });
    await closeAll(again);
    stream.stop();
    await swarm.changes.until(
      () => kept.every(({ received }) => received.length === stream.sent.length),
      'every message at the other worker',
    );
    for (const client of kept) assert.deepEqual(client.positions, stream.sent);
    assert.ok((await edge.metric('websocket_proxy_sent_messages')) > before);
    assert.equal(await edge.metric('flashcast_worker_ends_total', 'how="signal"'), 1);
    assert.equal((await fetch(`http://127.0.0.1:${edge.metricsPort}/readyz`)).status, 200);
  });

  it('drains all workers once when the signal reaches every process, and ends with status 0', async () => {
    const { edge } = await streaming(2, { DRAIN_DELAY_MS: '500', DRAIN_TIMEOUT_MS: '3000' });
    const swarm = await swarmOver(edge, 40, 3);
    const pids = (await workersOf(edge)).map(({ pid }) => pid);
    const startedAt = performance.now();
    edge.program.signal('SIGINT');
    for (const pid of pids) process.kill(pid, 'SIGINT');
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${edge.metricsPort}/readyz`)).status === 503,
      'an edge that says that it drains',
    );
    const late = use(await Knock.at(edge.port));
    assert.equal(late.status, 101);
    assert.deepEqual(await edge.program.exit, { code: 0, signal: null });
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs > 1500 && tookMs < 5500, `took ${tookMs} ms`);
    await swarm.closed();
    for (const client of swarm.clients) assert.equal(client.closeCode, 1001);
    assert.equal(edge.program.stderr, '');
    assert.ok(!edge.program.stdout.includes('second signal'), edge.program.stdout);
    for (const pid of pids) assert.equal(await isGone(pid), true);
  });

  it('ends at once on a second signal, and leaves no worker behind, not even one that stands still', async () => {
    const { edge } = await streaming(2, { DRAIN_DELAY_MS: '20000', DRAIN_TIMEOUT_MS: '25000' });
    const pids = (await workersOf(edge)).map(({ pid }) => pid);
    process.kill(pids[0]!, 'SIGSTOP');
    edge.program.signal('SIGTERM');
    await edge.program.logged(({ msg }) => msg === 'draining all workers', 'a drain');
    edge.program.signal('SIGTERM');
    assert.deepEqual(await edge.program.exit, { code: 143, signal: null });
    for (const pid of pids) await eventually(() => isGone(pid), 'the end of a worker');
  });

  it('leaves no worker behind when the primary is killed', async () => {
    const { edge } = await streaming(2);
    const pids = (await workersOf(edge)).map(({ pid }) => pid);
    edge.program.signal('SIGKILL');
    for (const pid of pids) await eventually(() => isGone(pid), 'the end of a worker');
  });

  it('answers scrapes and probes while a worker stands still, whose clients go on when it does', async () => {
    const { builder, edge } = await streaming(2);
    const swarm = await swarmOver(edge, 30, 3);
    const stream = use(new PacedStream(builder, 50));
    await stream.sentMore(5);
    assert.equal(await edge.metric('websocket_proxy_active_connections'), 30);
    const [still] = await workersOf(edge);
    process.kill(still!.pid, 'SIGSTOP');
    try {
      await eventually(async () => (await workersOf(edge))[0]!.state === 'silent', 'a worker that is silent');
      const startedAt = performance.now();
      assert.equal(await edge.metric('websocket_proxy_active_connections'), 30);
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs < 3000, `the scrape took ${tookMs} ms`);
      assert.equal((await fetch(`http://127.0.0.1:${edge.metricsPort}/readyz`)).status, 200);
      // A connection waits for no worker that stands still.
      const knocks = await Promise.all(Array.from({ length: 20 }, () => Knock.at(edge.port)));
      assert.deepEqual(tally(knocks), { 101: 20 });
      await closeAll(knocks);
    } finally {
      process.kill(still!.pid, 'SIGCONT');
    }
    await eventually(async () => (await workersOf(edge))[0]!.state === 'serving', 'a worker that goes on');
    assert.equal((await workersOf(edge))[0]!.pid, still!.pid);
    await stream.sentMore(5);
    stream.stop();
    await swarm.received(stream.sent.length);
    for (const client of swarm.clients) assert.deepEqual(client.positions, stream.sent);
  });

  it('ends and replaces a worker that stands still for long', async () => {
    const { edge } = await streaming(2);
    const [still] = await workersOf(edge);
    process.kill(still!.pid, 'SIGSTOP');
    await edge.program.changes.until(
      () => edge.program.log.some(({ msg, hung }) => msg === 'worker ended, will be replaced' && hung === true),
      'the end of a worker that stands still',
      30_000,
    );
    await eventually(async () => (await workersOf(edge)).every(({ state }) => state === 'serving'), 'its replacement');
    assert.equal(await isGone(still!.pid), true);
    assert.equal(await edge.metric('flashcast_worker_ends_total', 'how="hung"'), 1);
  });

  it('ends with status 1 and a sentence when the port is taken', async () => {
    const redis = use(await openProgramsRedis());
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const edge = use(
      await startEdge(redis.url, { ...redis.settings, EDGE_WORKERS: '2', LISTEN_ADDR: `127.0.0.1:${port}` }),
    );
    assert.deepEqual(await edge.program.exit, { code: 1, signal: null });
    taken.close();
    const fatal = edge.program.log.find(({ level, worker }) => level === 'fatal' && worker === undefined);
    assert.match(JSON.stringify(fatal), /worker \d could not start: \w+ EADDRINUSE/);
  });

  it('closes the clients of a revoked key at every worker on SIGHUP', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flashcast-workers-'));
    use({
      [Symbol.asyncDispose]: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
    const file = join(folder, 'keys');
    const keys = [lineOf('acme', 'a-long-key-of-acme'), lineOf('other', 'a-long-key-of-other')];
    writeFileSync(file, keys.join('\n'));
    const redis = use(await openProgramsRedis());
    const edge = await edgeOf(2, redis, { API_KEYS_FILE: file });
    const revoked = use(await ClientSwarm.connect({ port: edge.port, clients: 30, path: '/ws/a-long-key-of-acme' }));
    const others = use(await ClientSwarm.connect({ port: edge.port, clients: 10, path: '/ws/a-long-key-of-other' }));
    assert.ok((await spread(edge, 40)).every((count) => count > 0));
    writeFileSync(file, keys.slice(1).join('\n'));
    edge.program.signal('SIGHUP');
    await revoked.closed();
    assert.ok(revoked.clients.every(({ closeCode }) => closeCode === 1008));
    assert.ok(others.clients.every(({ closed }) => !closed));
  });

  it('refuses wrong settings once, before any worker', async () => {
    const edge = use(
      await startEdge('redis://127.0.0.1:1', { EDGE_WORKERS: '4', API_KEYS_FILE: '/absent/keys', API_KEYS: '' }),
    );
    assert.deepEqual(await edge.program.exit, { code: 2, signal: null });
    assert.equal(edge.program.stderr.match(/API_KEYS_FILE/g)?.length, 1);
    assert.equal(edge.program.stdout, '');
  });
});
