import assert from 'node:assert/strict';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { OPTIONS, Rig } from './rig.ts';
import { SocketServer } from './sockets.ts';
import type { Position } from '../../../shared/flashblock.ts';

const LAST = { blockNumber: 7, index: 3 };
const RESUMED = '/ws?block_number=7&flashblock_index=3';

describe('resuming from an upstream', () => {
  const use = usesResources();

  /** An upstream that knows a position, and a server that refuses what the test says. */
  async function start(
    statusOf: (url: string) => number | undefined = () => undefined,
    options: Partial<typeof OPTIONS> = {},
    query = '',
  ) {
    const server = use(await SocketServer.start({}, statusOf));
    const known: { position?: Position } = { position: LAST };
    const rig = use(new Rig(server.url + query, options, { lastPosition: () => known.position }));
    return { server, rig, known };
  }

  it('asks for what follows the last position at each dial, the first included', async () => {
    const { server, rig, known } = await start();
    await rig.connected();
    known.position = { blockNumber: 8, index: 0 };
    server.sockets[0]!.close();
    await rig.logged('upstream disconnected');
    rig.clock.advance(500);
    await server.dialled(2);
    assert.deepEqual(server.dials, [RESUMED, '/ws?block_number=8&flashblock_index=0']);
    assert.equal((await rig.logged('upstream connected'))['resumed'], true);
  });

  it('asks for nothing without a position, when it is switched off, or when the URI has a position of its own', async () => {
    const without = await start();
    await without.rig.connected();
    without.known.position = undefined as never;
    without.server.sockets[0]!.close();
    await without.rig.logged('upstream disconnected');
    without.rig.clock.advance(500);
    await without.server.dialled(2);
    assert.equal(without.server.dials[1], '/ws');

    const off = await start(undefined, { upstreamResume: false });
    await off.rig.connected();
    assert.deepEqual(off.server.dials, ['/ws']);

    const own = await start(undefined, {}, '?block_number=1&flashblock_index=0');
    await own.rig.connected();
    assert.deepEqual(own.server.dials, ['/ws?block_number=1&flashblock_index=0']);
  });

  for (const status of [400, 404, 414]) {
    it(`repeats a dial that is refused with ${status} at once without it, and remembers that when it is accepted`, async () => {
      const { server, rig } = await start((url) => (url === RESUMED ? status : undefined));
      await rig.connected();
      assert.deepEqual(server.dials, [RESUMED, '/ws']);
      assert.equal((await rig.logged('upstream connected'))['resumed'], false);
      server.sockets[0]!.close();
      await rig.logged('upstream disconnected');
      rig.clock.advance(500);
      await server.dialled(3);
      assert.deepEqual(server.dials, [RESUMED, '/ws', '/ws']);
    });
  }

  for (const [what, first, resumed] of [
    ['the next index', { blockNumber: LAST.blockNumber, index: LAST.index + 1 }, 1],
    ['the next block', { blockNumber: LAST.blockNumber + 1, index: 0 }, 1],
    ['a later index', { blockNumber: LAST.blockNumber, index: LAST.index + 2 }, 0],
    ['what it had before', { blockNumber: LAST.blockNumber, index: LAST.index }, 0],
  ] as const) {
    it(`counts ${resumed === 1 ? 'a' : 'no'} gap as resumed where a connection goes on with ${what}`, async () => {
      const { server, rig } = await start(() => undefined);
      await rig.connected();
      const later = { blockNumber: LAST.blockNumber, index: LAST.index + 1 };
      for (const position of [first, later]) server.sockets[0]!.send(flashblockJson(position).toString());
      await rig.received(2);
      assert.equal(
        await rig.metric(`flashcast_upstream_gaps_total{upstream="${rig.upstream.name}",outcome="resumed"}`),
        resumed === 1 ? 1 : undefined,
      );
    });
  }

  it('keeps asking when the dial without it is refused too', async () => {
    const { server, rig } = await start(() => 404);
    await rig.logged('upstream dial failed');
    assert.deepEqual(server.dials, [RESUMED, '/ws']);
    rig.clock.advance(500);
    await rig.logged('upstream dial failed', 2);
    assert.deepEqual(server.dials, [RESUMED, '/ws', RESUMED, '/ws']);
    assert.equal(await rig.metric('websocket_proxy_upstream_connection_attempts'), 4);
    assert.equal(await rig.metric('websocket_proxy_upstream_connection_failures'), 4);
  });

  for (const status of [401, 403, 429, 500, 503]) {
    it(`backs off and keeps asking when it is refused with ${status}`, async () => {
      const { server, rig } = await start(() => status);
      assert.equal((await rig.logged('upstream dial failed'))['httpStatus'], status);
      assert.deepEqual(server.dials, [RESUMED]);
      rig.clock.advance(500);
      await rig.logged('upstream dial failed', 2);
      assert.deepEqual(server.dials, [RESUMED, RESUMED]);
    });
  }

  it('backs off after a 404 that had nothing to do with it', async () => {
    const { server, rig } = await start(() => 404, { upstreamResume: false });
    assert.equal((await rig.logged('upstream dial failed'))['retryInMs'], 500);
    assert.deepEqual(server.dials, ['/ws']);
  });

  it('asks too when a silent upstream is dialled again, and repeats that without it in the same way', async () => {
    const { server, rig } = await start((url) => (url === RESUMED && server.dials.length > 1 ? 400 : undefined), {
      upstreamStaleMs: 10_000,
      subscriberPingIntervalMs: 1e9,
      subscriberPongTimeoutMs: 1e9,
    });
    await rig.connected();
    rig.clock.advance(10_000);
    await rig.logged('silent upstream redialled');
    assert.deepEqual(server.dials, [RESUMED, RESUMED, '/ws']);
    assert.equal(await rig.metric('websocket_proxy_upstream_connection_failures'), 0);
    server.sockets[1]!.close();
    await rig.logged('upstream disconnected');
    rig.clock.advance(500);
    await server.dialled(4);
    assert.equal(server.dials[3], '/ws');
  });
});
