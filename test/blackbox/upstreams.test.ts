import assert from 'node:assert/strict';
import { TestBuilder, type Reception } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { startProxy } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

describe('black box: upstreams that misbehave', function () {
  this.timeout(30_000);
  const use = usesResources();

  for (const [reception, event] of [
    ['accept-and-drop', 'upstream disconnected'],
    ['accept-and-close', 'upstream disconnected'],
    [503, 'upstream dial failed'],
  ] as const satisfies readonly [Reception, string][]) {
    it(`are dialled less and less often when they ${typeof reception === 'number' ? `refuse with ${reception}` : reception}`, async () => {
      const builder = use(await TestBuilder.start({ reception }));
      const proxy = use(await startProxy([builder.url]));
      await builder.attempted(4);
      const waits = proxy.program.log.filter(({ msg }) => msg === event).map(({ retryInMs }) => Number(retryInMs));
      for (const [at, longest] of [500, 1000, 2000].entries()) {
        const wait = waits[at] ?? 0;
        assert.ok(wait >= longest / 2 && wait <= longest, `wait ${at + 1} is ${wait} ms`);
        const between = builder.attempts[at + 1]!.at - builder.attempts[at]!.at;
        // The clocks of two processes round differently.
        assert.ok(between >= wait - 5, `dial ${at + 2} came ${between} ms after the one before, not ${wait}`);
      }
    });
  }

  it('are given up on when they never answer the handshake, and dialled again', async () => {
    const builder = use(await TestBuilder.start({ reception: 'ignore' }));
    const proxy = use(await startProxy([builder.url], { UPSTREAM_CONNECT_TIMEOUT_MS: '100' }));
    await builder.attempted(2);
    await proxy.program.logged(({ reason }) => reason === 'timeout', 'a dial that ends by its time limit');
    builder.reception = 'accept';
    await builder.connected();
    await proxy.ready();
  });

  it('are asked for what was missed when they come back, with the query of their URI kept', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([`${builder.url}?token=x%20y`]));
    await proxy.ready();
    const [connection] = await builder.connected();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 1 }));
    for (const index of [0, 1]) connection!.sendText(flashblockJson({ blockNumber: 7, index }));
    await swarm.received(2);
    connection!.cut();
    await builder.attempted(2);
    const [again] = await builder.connected();
    assert.deepEqual(
      builder.attempts.map(({ url }) => url),
      ['/ws?token=x%20y', '/ws?token=x%20y&block_number=7&flashblock_index=1'],
    );
    for (const index of [1, 2, 3]) again!.sendText(flashblockJson({ blockNumber: 7, index }));
    await swarm.received(4);
    assert.deepEqual(swarm.clients[0]!.positions, ['7-0', '7-1', '7-2', '7-3']);
  });

  it('cannot blow up a brotli bomb in the proxy', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url], { MAX_MESSAGE_BYTES: '100000' }));
    await proxy.ready();
    const [connection] = await builder.connected();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 1 }));
    connection!.sendBrotli(Buffer.from(`{"bomb":"${'0'.repeat(50_000_000)}"}`));
    connection!.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
    await swarm.received(1);
    assert.deepEqual(swarm.clients[0]!.positions, ['7-0']);
    assert.equal(await proxy.metric('flashcast_upstream_oversized_total'), 1);
  });

  it('are declared dead when no frame comes, and the stream goes on with the next connection', async () => {
    const builder = use(await TestBuilder.start());
    const proxy = use(
      await startProxy([builder.url], { SUBSCRIBER_PING_INTERVAL_MS: '100', SUBSCRIBER_PONG_TIMEOUT_MS: '300' }),
    );
    const [connection] = await builder.connected();
    await builder.changes.until(() => connection!.pings > 1, 'pings at the builder');
    connection!.freeze();
    await builder.attempted(2);
    await proxy.program.logged(({ reason }) => reason === 'silent', 'the end of a silent connection');
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 1 }));
    await builder.changes.until(() => builder.connections.length === 2, 'the second connection');
    builder.connections[1]!.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
    await swarm.received(1);
  });
});
