import assert from 'node:assert/strict';
import { TestBuilder } from '../../support/builder.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { OPTIONS, Rig } from './rig.ts';

/** Liveness and pings are set aside: hours pass on the fake clock while the sockets know nothing of it. */
const QUIET = { upstreamStaleMs: 10_000, subscriberPingIntervalMs: 1e9, subscriberPongTimeoutMs: 1e9 };

describe('a connected upstream that sends nothing', () => {
  const use = usesResources();

  async function connect(options: Partial<typeof OPTIONS> = {}) {
    const builder = use(await TestBuilder.start());
    const rig = use(new Rig(builder.url, { ...QUIET, ...options }));
    await rig.connected();
    return { builder, rig };
  }
  const attempts = (rig: Rig) => rig.metric('websocket_proxy_upstream_connection_attempts');

  it('is dialled again, and its old connection closed only when the new one is open', async () => {
    const { builder, rig } = await connect();
    rig.clock.advance(9999);
    assert.equal(await attempts(rig), 1);
    builder.changes.notify();
    rig.clock.advance(1);
    await builder.connected(2);
    assert.equal(builder.connections[0]!.closed, false);
    await rig.logged('silent upstream redialled');
    await builder.changes.until(() => builder.connections[0]!.closed, 'the old connection is closed');
    assert.equal(builder.connections[0]!.closeCode, 1000);
    builder.connections[1]!.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await rig.received(1);
  });

  it('stays connected meanwhile, and neither fails nor backs off', async () => {
    const { builder, rig } = await connect();
    rig.clock.advance(10_000);
    await rig.logged('silent upstream redialled');
    await builder.changes.until(() => builder.open.length === 1, 'the old connection is closed');
    assert.deepEqual(rig.states, [true]);
    for (const [series, value] of [
      ['websocket_proxy_upstream_connections', 1],
      [`flashcast_upstream_connected{upstream="${rig.upstream.name}"}`, 1],
      ['websocket_proxy_upstream_connection_attempts', 2],
      ['websocket_proxy_upstream_connection_successes', 2],
      ['websocket_proxy_upstream_connection_failures', 0],
      ['websocket_proxy_upstream_errors', 0],
    ] as const) {
      assert.equal(await rig.metric(series), value, series);
    }
    assert.deepEqual(
      rig.log.filter(({ level }) => level === 'warn'),
      [],
    );
    builder.connections[1]!.close();
    assert.equal((await rig.logged('upstream disconnected'))['retryInMs'], 500);
  });

  it('is dialled again at doubling intervals up to 5 min, and at the first one after a message', async () => {
    const { builder, rig } = await connect();
    let redials = 0;
    const redialledAfter = async (waitMs: number): Promise<void> => {
      const before = await attempts(rig);
      rig.clock.advance(waitMs - 1);
      assert.equal(await attempts(rig), before, `sooner than ${waitMs}`);
      rig.clock.advance(1);
      await rig.logged('silent upstream redialled', ++redials);
      await builder.changes.until(() => builder.open.length === 1, 'the old connection is closed');
    };
    for (const waitMs of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) await redialledAfter(waitMs);
    builder.sendText('any message');
    await rig.received(1);
    await redialledAfter(10_000);
    await redialledAfter(20_000);
  });

  it('keeps its connection when it cannot be reached again, which is no failure', async () => {
    const { builder, rig } = await connect();
    builder.reception = 503;
    rig.clock.advance(10_000);
    await rig.logged('silent upstream not reached again');
    builder.reception = 'ignore';
    rig.clock.advance(20_000);
    await builder.attempted(3);
    rig.clock.advance(OPTIONS.upstreamConnectTimeoutMs);
    assert.equal((await rig.logged('silent upstream not reached again', 2))['reason'], 'timeout');
    assert.equal(await rig.metric('websocket_proxy_upstream_connection_failures'), 0);
    assert.deepEqual(rig.states, [true]);
    builder.sendText('still there');
    await rig.received(1);
    builder.reception = 'accept';
    rig.clock.advance(10_000);
    await rig.logged('silent upstream redialled');
  });

  it('is left alone when a message comes before the new connection is open', async () => {
    const { builder, rig } = await connect();
    builder.reception = 'ignore';
    rig.clock.advance(10_000);
    await builder.attempted(2);
    builder.sendText('here I am');
    await rig.received(1);
    rig.clock.advance(OPTIONS.upstreamConnectTimeoutMs);
    assert.deepEqual(
      rig.log.filter(({ message }) => message.startsWith('silent')),
      [],
    );
    assert.equal(builder.open.length, 1);
  });

  it('has what its old connection still delivers passed on', async () => {
    const { builder, rig } = await connect();
    rig.clock.advance(10_000);
    await builder.connected(2);
    builder.connections[0]!.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await rig.received(1);
  });

  it('backs off as ever when its old connection ends while the new one is dialled', async () => {
    const { builder, rig } = await connect();
    builder.reception = 'ignore';
    rig.clock.advance(10_000);
    await builder.attempted(2);
    builder.connections[0]!.cut();
    assert.equal((await rig.logged('upstream disconnected'))['retryInMs'], 500);
    assert.equal(rig.clock.pending, 1, 'only the back-off is waited for');
    builder.reception = 'accept';
    rig.clock.advance(500);
    await rig.changes.until(() => rig.upstream.connected, 'connected again');
    assert.equal(builder.attempts.length, 3);
  });

  it('is not silent for time in which the own loop stood still', async () => {
    const { builder, rig } = await connect();
    rig.clock.advance(9000);
    rig.stall.tell();
    rig.clock.advance(9999);
    assert.equal(await attempts(rig), 1);
    rig.clock.advance(1);
    await builder.attempted(2);
  });

  it('leaves nothing behind when it is stopped while it is dialled again', async () => {
    const { builder, rig } = await connect();
    builder.reception = 'ignore';
    rig.clock.advance(10_000);
    await builder.attempted(2);
    await rig.upstream.stop();
    assert.equal(rig.clock.pending, 0);
    await builder.changes.until(() => builder.open.length === 0, 'all connections are closed');
  });
});
