import assert from 'node:assert/strict';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { freePort, Program } from '../support/program.ts';
import { startEdge, startIngest, startProxy, type Server } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

async function expectCleanEnd({ program }: Server): Promise<void> {
  program.signal('SIGTERM');
  assert.deepEqual(await program.exit, { code: 0, signal: null });
  assert.equal(program.stderr, '');
  assert.ok(!program.stdout.includes('handles left open'), program.stdout);
}

describe('black box: SIGTERM ends a program with status 0', function () {
  this.timeout(30_000);
  const use = usesResources();

  it('a proxy: its clients are closed with 1001', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url]));
    await proxy.ready();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 20 }));
    builder.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
    await swarm.received(1);
    await Promise.all([expectCleanEnd(proxy), swarm.closed()]);
    for (const client of swarm.clients) assert.equal(client.closeCode, 1001);
  });

  it('a proxy without an upstream and without clients', async () => {
    const proxy = use(await startProxy([`ws://127.0.0.1:${await freePort()}/ws`]));
    await proxy.program.logged(({ msg }) => msg === 'upstream dial failed', 'a failed dial');
    await expectCleanEnd(proxy);
  });

  it('an ingest and an edge: the edge closes its clients with 1001', async () => {
    const builder = use(await TestBuilder.start());
    const redis = use(await openProgramsRedis());
    const edge = use(await startEdge(redis.url, redis.settings));
    const ingest = use(await startIngest([builder.url], redis.url, redis.settings));
    await Promise.all([edge.ready(), ingest.ready()]);
    const swarm = use(await ClientSwarm.connect({ port: edge.port, clients: 20 }));
    builder.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
    await swarm.received(1);
    await expectCleanEnd(ingest);
    await Promise.all([expectCleanEnd(edge), swarm.closed()]);
    for (const client of swarm.clients) assert.equal(client.closeCode, 1001);
  });

  it('an ingest and an edge without Redis', async () => {
    const redisUrl = `redis://127.0.0.1:${await freePort()}`;
    const servers = [
      use(await startEdge(redisUrl)),
      use(await startIngest([`ws://127.0.0.1:${await freePort()}/ws`], redisUrl)),
    ];
    for (const { program } of servers)
      await program.changes.until(() => program.stdout.includes('edis'), 'a word about Redis');
    await Promise.all(servers.map(expectCleanEnd));
  });

  it('simulate and watch', async () => {
    const port = await freePort();
    const simulate = use(Program.start(['simulate', '--listen', `127.0.0.1:${port}`, '--interval-ms', '20']));
    await simulate.changes.until(() => simulate.stdout.includes('publishing'), 'a builder that listens');
    const watch = use(Program.start(['watch', `ws://127.0.0.1:${port}/`]));
    await watch.changes.until(() => watch.stdout.split('\n').length > 5, 'five lines');
    watch.signal('SIGTERM');
    assert.deepEqual(await watch.exit, { code: 0, signal: null });
    simulate.signal('SIGTERM');
    assert.deepEqual(await simulate.exit, { code: 0, signal: null });
    assert.match(watch.stderr, /^flashcast watch: \d+ messages in .*\n$/);
    assert.equal(simulate.stderr, '');
  });
});
