import assert from 'node:assert/strict';
import { TestBuilder, type Reception } from '../../support/builder.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { Rig } from './rig.ts';
import { allRead, RawServer, SocketServer } from './sockets.ts';

const DISCONNECTED = 'upstream disconnected';
const DIAL_FAILED = 'upstream dial failed';

describe('dialling an upstream', () => {
  const use = usesResources();

  async function start(reception: Reception) {
    const builder = use(await TestBuilder.start({ reception }));
    return { builder, rig: use(new Rig(builder.url)) };
  }

  for (const [reception, message, reason] of [
    ['accept-and-drop', DISCONNECTED, 'reset'],
    ['accept-and-close', DISCONNECTED, 'closed'],
    [503, DIAL_FAILED, 'http_status'],
    [301, DIAL_FAILED, 'http_status'],
  ] as const) {
    it(`backs off further and further while the answer is ${reception}`, async () => {
      const { builder, rig } = await start(reception);
      for (const [attempt, waitMs] of [500, 1000, 2000, 4000].entries()) {
        const end = await rig.logged(message, attempt + 1);
        assert.equal(end['reason'], reason);
        assert.equal(end['retryInMs'], waitMs);
        assert.equal(await rig.metric('websocket_proxy_upstream_connection_attempts'), attempt + 1);
        rig.clock.advance(waitMs - 1);
        assert.equal(await rig.metric('websocket_proxy_upstream_connection_attempts'), attempt + 1);
        rig.clock.advance(1);
        await builder.attempted(attempt + 2);
      }
    });
  }

  it('counts dials, successes, failures and errors, and whether it is connected', async () => {
    const { builder, rig } = await start(503);
    const label = `{upstream="${rig.upstream.name}"}`;
    const counts = async () =>
      Promise.all(
        ['attempts', 'successes', 'failures']
          .map((kind) => `websocket_proxy_upstream_connection_${kind}`)
          .concat('websocket_proxy_upstream_errors', 'websocket_proxy_upstream_connections')
          .concat(`flashcast_upstream_connected${label}`)
          .map((series) => rig.metric(series)),
      );
    await rig.logged(DIAL_FAILED);
    assert.deepEqual(await counts(), [1, 0, 1, 1, 0, 0]);
    builder.reception = 'accept';
    rig.clock.advance(500);
    await rig.connected();
    assert.deepEqual(await counts(), [2, 1, 1, 1, 1, 1]);
    builder.connections[0]!.close();
    await rig.logged(DISCONNECTED);
    assert.deepEqual(await counts(), [2, 1, 1, 1, 0, 0]);
    rig.clock.advance(1000);
    await rig.changes.until(() => rig.states.length === 3, 'connected again');
    builder.connections[1]!.cut();
    await rig.logged(DISCONNECTED, 2);
    assert.deepEqual(await counts(), [3, 2, 1, 2, 0, 0]);
    assert.deepEqual(rig.states, [true, false, true, false]);
  });

  it('begins with a short wait again after a connection that brought a message', async () => {
    const { builder, rig } = await start('accept-and-drop');
    await rig.logged(DISCONNECTED);
    rig.clock.advance(500);
    await rig.logged(DISCONNECTED, 2);
    builder.reception = 'accept';
    rig.clock.advance(1000);
    await rig.connected();
    builder.sendText(flashblockJson({ blockNumber: 1, index: 0 }));
    await rig.received(1);
    builder.connections[2]!.close();
    assert.equal((await rig.logged(DISCONNECTED, 3))['retryInMs'], 500);
  });

  it('begins with a short wait again after 10 s of answered pings, and not before', async () => {
    for (const [seconds, waitMs] of [
      [8, 1000],
      [10, 500],
    ] as const) {
      let dials = 0;
      const server = use(await SocketServer.start({}, () => (++dials === 1 ? 503 : undefined)));
      const rig = use(new Rig(server.url));
      await rig.logged(DIAL_FAILED);
      rig.clock.advance(500);
      const socket = await server.accepted();
      await rig.connected();
      for (let second = 0; second < seconds; second += 2) {
        rig.clock.advance(2000);
        await allRead(socket);
      }
      socket.close();
      assert.equal((await rig.logged(DISCONNECTED))['retryInMs'], waitMs, `after ${seconds} s`);
    }
  });

  it('counts no time in which the own loop stood still among the 10 s', async () => {
    let dials = 0;
    const server = use(await SocketServer.start({}, () => (++dials === 1 ? 503 : undefined)));
    const rig = use(new Rig(server.url));
    await rig.logged(DIAL_FAILED);
    rig.clock.advance(500);
    const socket = await server.accepted();
    await rig.connected();
    rig.stall.recent = true;
    rig.clock.advance(9000);
    rig.stall.tell();
    rig.stall.recent = false;
    rig.clock.advance(2000);
    await allRead(socket);
    socket.close();
    assert.equal((await rig.logged(DISCONNECTED))['retryInMs'], 1000);
  });

  it('gives up on a handshake that is not answered, and dials again', async () => {
    const { builder, rig } = await start('ignore');
    await builder.attempted(1);
    rig.clock.advance(4999);
    assert.deepEqual(rig.log, []);
    rig.clock.advance(1);
    assert.equal((await rig.logged(DIAL_FAILED))['reason'], 'timeout');
    builder.reception = 'accept';
    rig.clock.advance(500);
    await rig.connected();
  });

  it('gives up on a handshake whose answer trickles in', async () => {
    const server = use(await RawServer.start(() => 'HTTP/1.1 101 Switching Protocols\r\n'));
    const rig = use(new Rig(server.url));
    const socket = await server.accepted();
    socket.write('X-Slow: yes\r\n');
    rig.clock.advance(5000);
    assert.equal((await rig.logged(DIAL_FAILED))['reason'], 'timeout');
  });

  it('does not follow a redirect', async () => {
    const target = use(await TestBuilder.start());
    const server = use(
      await RawServer.start(() => `HTTP/1.1 302 Found\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`),
    );
    const rig = use(new Rig(server.url));
    assert.equal((await rig.logged(DIAL_FAILED))['httpStatus'], 302);
    assert.deepEqual(target.attempts, []);
  });

  it('offers no extension and no subprotocol, and sends its credentials', async () => {
    const builder = use(await TestBuilder.start());
    use(new Rig(builder.url.replace('ws://', 'ws://us%40er:pass@')));
    await builder.connected();
    const { headers, url } = builder.attempts[0]!;
    assert.equal(headers['sec-websocket-extensions'], undefined);
    assert.equal(headers['sec-websocket-protocol'], undefined);
    assert.equal(headers.authorization, `Basic ${Buffer.from('us@er:pass').toString('base64')}`);
    assert.equal(url, '/ws');
  });

  it('says why a dial failed', async () => {
    const builder = await TestBuilder.start();
    const { url } = builder;
    await builder.stop();
    const noHttp = use(await RawServer.start(() => 'hello\r\n\r\n'));
    const badAccept = use(
      await RawServer.start(
        () => 'HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      ),
    );
    for (const [uri, reason] of [
      [url, 'refused'],
      ['ws://name.invalid/ws', 'dns'],
      [noHttp.url, 'handshake'],
      [badAccept.url, 'handshake'],
    ] as const) {
      const rig = use(new Rig(uri));
      assert.equal((await rig.logged(DIAL_FAILED))['reason'], reason, reason);
    }
  });

  it('ends a connection that breaks the protocol', async () => {
    const server = use(await RawServer.start());
    const rig = use(new Rig(server.url));
    const socket = await server.accepted();
    await rig.connected();
    socket.write(Buffer.from([0xff, 0xff, 0xff]));
    assert.equal((await rig.logged(DISCONNECTED))['reason'], 'protocol');
  });

  it('stops in every state without a timer or a listener left, and may be stopped twice', async () => {
    for (const reception of ['accept', 'ignore', 503] as const) {
      const { builder, rig } = await start(reception);
      await builder.attempted(1);
      if (reception === 'accept') await rig.connected();
      if (reception === 503) await rig.logged(DIAL_FAILED);
      const stopped = rig.upstream.stop();
      await rig.upstream.stop();
      await stopped;
      assert.equal(rig.clock.pending, 0, String(reception));
      assert.equal(rig.stall.listeners, 0);
      assert.equal(await rig.metric('websocket_proxy_upstream_connections'), 0);
      rig.upstream.start();
      assert.equal(rig.clock.pending, 0);
    }
  });
});
