import assert from 'node:assert/strict';
import { TestBuilder } from '../../support/builder.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { Rig } from './rig.ts';
import { allRead, RawServer, SocketServer, someTurns } from './sockets.ts';

const DISCONNECTED = 'upstream disconnected';

describe('liveness of an upstream', () => {
  const use = usesResources();

  it('is not judged in the first 5 s, then one that never sent a frame is dead', async () => {
    const server = use(await SocketServer.start({ autoPong: false }));
    const rig = use(new Rig(server.url, { subscriberPongTimeoutMs: 1000 }));
    await rig.connected();
    rig.clock.advance(4999);
    assert.equal(rig.upstream.connected, true);
    rig.clock.advance(1);
    assert.equal((await rig.logged(DISCONNECTED))['reason'], 'silent');
    assert.deepEqual(rig.states, [true, false]);
    assert.equal(await rig.metric('websocket_proxy_upstream_errors'), 1);
  });

  it('ends when nothing came for the pong timeout', async () => {
    const server = use(await SocketServer.start({ autoPong: false }));
    const rig = use(new Rig(server.url));
    const socket = await server.accepted();
    await rig.connected();
    rig.clock.advance(4500);
    await allRead(socket);
    rig.clock.advance(3999);
    assert.equal(rig.upstream.connected, true);
    rig.clock.advance(1);
    assert.equal((await rig.logged(DISCONNECTED))['reason'], 'silent');
  });

  for (const [frame, send] of [
    ['a message', (socket) => socket.send(flashblockJson({ blockNumber: 1, index: 0 }))],
    ['a ping', (socket) => socket.ping()],
    ['a pong nobody asked for', (socket) => socket.pong()],
  ] satisfies [string, (socket: Awaited<ReturnType<SocketServer['accepted']>>) => void][]) {
    it(`is shown by ${frame}, where pings are not answered`, async () => {
      const server = use(await SocketServer.start({ autoPong: false }));
      const rig = use(new Rig(server.url));
      const socket = await server.accepted();
      await rig.connected();
      for (let round = 0; round < 8; round++) {
        rig.clock.advance(3900);
        send(socket);
        await someTurns();
      }
      assert.deepEqual(rig.states, [true]);
    });
  }

  it('is shown by the parts of a message that is still coming', async () => {
    const server = use(await RawServer.start());
    const rig = use(new Rig(server.url, { maxMessageBytes: 100_000 }));
    const socket = await server.accepted();
    await rig.connected();
    const content = flashblockJson({ blockNumber: 1, index: 0 }, { note: 'x'.repeat(64_000) });
    const header = Buffer.from([0x81, 126, content.length >> 8, content.length & 0xff]);
    const frame = Buffer.concat([header, content]);
    for (let sent = 0; sent < frame.length; sent += 10_000) {
      rig.clock.advance(3000);
      await new Promise((resolve) => socket.write(frame.subarray(sent, sent + 10_000), resolve));
      await someTurns();
    }
    await rig.received(1);
    assert.deepEqual(rig.states, [true]);
    assert.ok(rig.messages[0]!.content.equals(content));
  });

  it('does not count time in which the own loop stood still', async () => {
    const server = use(await SocketServer.start({ autoPong: false }));
    const rig = use(new Rig(server.url));
    await rig.connected();
    rig.stall.recent = true;
    rig.clock.advance(60_000);
    assert.equal(rig.upstream.connected, true);
    rig.clock.advance(1000);
    rig.stall.tell();
    rig.stall.recent = false;
    rig.clock.advance(4999);
    assert.equal(rig.upstream.connected, true);
    rig.clock.advance(1);
    assert.equal((await rig.logged(DISCONNECTED))['reason'], 'silent');
  });

  it('does not count a stall against the connect limit', async () => {
    const builder = use(await TestBuilder.start({ reception: 'ignore' }));
    const rig = use(new Rig(builder.url));
    await builder.attempted(1);
    rig.stall.recent = true;
    rig.clock.advance(5000);
    rig.stall.recent = false;
    rig.clock.advance(4999);
    assert.deepEqual(rig.log, []);
    rig.clock.advance(1);
    assert.equal((await rig.logged('upstream dial failed'))['reason'], 'timeout');
  });
});

describe('pings to an upstream', () => {
  const use = usesResources();

  it('go out at their interval, answered or not, and are counted', async () => {
    const server = use(await SocketServer.start());
    const rig = use(new Rig(server.url, { subscriberPingIntervalMs: 700 }));
    const socket = await server.accepted();
    await rig.connected();
    let pings = 0;
    socket.on('ping', () => {
      pings++;
    });
    for (let round = 1; round <= 3; round++) {
      rig.clock.advance(700);
      await allRead(socket);
      assert.equal(pings, round);
    }
    assert.equal(await rig.metric('websocket_proxy_ping_attempts'), 3);
    assert.equal(await rig.metric('websocket_proxy_ping_sent'), 3);
    assert.equal(await rig.metric('websocket_proxy_ping_failures'), 0);
  });

  it('do not pile up while one cannot be written', async () => {
    const server = use(await SocketServer.start());
    const rig = use(new Rig(server.url, { subscriberPingIntervalMs: 100 }));
    await rig.connected();
    // A ping's write is only over after this turn of the loop: until then the others fail.
    rig.clock.advance(1000);
    await allRead(await server.accepted());
    assert.equal(await rig.metric('websocket_proxy_ping_attempts'), 10);
    assert.equal(await rig.metric('websocket_proxy_ping_sent'), 1);
    assert.equal(await rig.metric('websocket_proxy_ping_failures'), 9);
  });
});
