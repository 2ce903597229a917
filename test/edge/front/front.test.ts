import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { brotliCompressSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { Changes } from '../../support/changes.ts';
import { OPCODE, controlFrame } from '../../support/raw-frames.ts';
import { usesResources } from '../../support/use.ts';
import { EdgeHarness } from '../harness.ts';
import { RawPeer, upgradeRequest } from '../raw-peer.ts';

const GET = (path: string, headers: readonly string[] = []) =>
  ['GET ' + path + ' HTTP/1.1', 'Host: edge', 'Connection: close', ...headers, '\r\n'].join('\r\n');

describe('front', () => {
  const use = usesResources();

  async function answerOf(harness: EdgeHarness, request: string): Promise<RawPeer> {
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(request);
    await peer.end();
    return peer;
  }

  async function refused(harness: EdgeHarness, request: string, status: number, message: string): Promise<RawPeer> {
    const peer = await answerOf(harness, request);
    assert.equal(peer.status, status);
    assert.equal(peer.headers.get('content-type'), 'application/json');
    assert.deepEqual(JSON.parse(peer.body), { message });
    return peer;
  }

  describe('routes', () => {
    it('answers /healthz with 200 and nothing', async () => {
      const harness = use(await EdgeHarness.start());
      for (const request of [GET('/healthz'), GET('/healthz?x=1'), upgradeRequest('/healthz')]) {
        const peer = await answerOf(harness, request);
        assert.equal(peer.status, 200);
        assert.equal(peer.headers.get('content-length'), '0');
        assert.equal(peer.body, '');
      }
    });

    it('answers a HEAD as the GET it asks about', async () => {
      const harness = use(await EdgeHarness.start());
      const health = await answerOf(harness, GET('/healthz').replace('GET', 'HEAD'));
      assert.deepEqual([health.status, health.body], [200, '']);
      const stream = await answerOf(harness, GET('/ws').replace('GET', 'HEAD'));
      assert.deepEqual([stream.status, stream.body], [426, '']);
    });

    it('knows no other path and no other method', async () => {
      const harness = use(await EdgeHarness.start());
      for (const path of [
        '/',
        '/ws/',
        '/ws/some-key',
        '/ws/some-key/filter',
        '/ws/filter/',
        '/metrics',
        '/wss',
        '//ws',
      ]) {
        await refused(harness, GET(path), 404, 'Not found');
        await refused(harness, upgradeRequest(path), 404, 'Not found');
      }
      await refused(harness, GET('/ws').replace('GET', 'POST'), 404, 'Not found');
      await refused(harness, GET('/healthz').replace('GET', 'DELETE'), 404, 'Not found');
      assert.equal(await harness.sample('flashcast_admissions_total{result="not_found"}'), 18);
    });

    it('expects an upgrade to WebSocket on the stream routes', async () => {
      const harness = use(await EdgeHarness.start());
      for (const path of ['/ws', '/ws/filter', '/ws?encoding=nonsense']) {
        const peer = await refused(harness, GET(path), 426, 'Expected a WebSocket upgrade');
        assert.equal(peer.headers.get('upgrade'), 'websocket');
      }
      const h2c = upgradeRequest().replace('Upgrade: websocket', 'Upgrade: h2c');
      await refused(harness, h2c, 426, 'Expected a WebSocket upgrade');
    });

    it('upgrades on /ws and /ws/filter, also where the target is a whole URI', async () => {
      const harness = use(await EdgeHarness.start());
      for (const path of ['/ws', '/ws/filter', '/ws?anything=1&anything=2', 'http://edge/ws']) {
        use(await RawPeer.upgrade(harness.port, path));
      }
      assert.equal(harness.fanout.clients.length, 4);
    });

    it('negotiates neither an extension nor a subprotocol', async () => {
      const harness = use(await EdgeHarness.start());
      const offers = [
        'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
        'Sec-WebSocket-Protocol: flashblocks, other',
      ];
      const peer = use(await RawPeer.upgrade(harness.port, '/ws', offers));
      assert.equal(peer.headers.has('sec-websocket-protocol'), false);
      assert.equal(peer.headers.has('sec-websocket-extensions'), false);
    });

    it('refuses a handshake that is none, and holds nothing of it', async () => {
      const harness = use(await EdgeHarness.start({ instanceConnectionLimit: 1 }));
      const broken = [
        upgradeRequest().replace(/Sec-WebSocket-Key: .*\r\n/, ''),
        upgradeRequest().replace('AAAAAAAAAAAAAAAAAAAAAA==', 'short'),
        upgradeRequest().replace('Version: 13', 'Version: 9'),
      ];
      for (const request of broken) {
        const peer = await refused(harness, request, 400, 'Invalid WebSocket handshake');
        assert.equal(peer.headers.get('sec-websocket-version'), '13, 8');
      }
      assert.equal(await harness.sample('flashcast_admissions_total{result="handshake_failed"}'), 3);
      use(await RawPeer.upgrade(harness.port));
    });
  });

  describe('the order of refusals', () => {
    it('is route, draining, instance limit, parameters', async () => {
      const harness = use(await EdgeHarness.start({ instanceConnectionLimit: 1, drainTimeoutMs: 60_000 }));
      const bad = upgradeRequest('/ws?encoding=zip');
      await refused(harness, bad, 400, 'encoding: expected br, identity or text');
      use(await RawPeer.upgrade(harness.port));
      const full = await refused(harness, bad, 429, 'Global limit');
      assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
      harness.front.refuse();
      const draining = await refused(harness, bad, 503, 'Draining');
      assert.match(draining.headers.get('retry-after') ?? '', /^\d+$/);
      await refused(harness, upgradeRequest('/nowhere'), 404, 'Not found');
      await refused(harness, GET('/ws?encoding=zip'), 426, 'Expected a WebSocket upgrade');

      assert.equal(await harness.sample('websocket_proxy_global_rate_limited_requests'), 1);
      for (const result of ['admitted', 'bad_request', 'instance_limit', 'draining', 'not_found', 'upgrade_required']) {
        assert.equal(await harness.sample(`flashcast_admissions_total{result="${result}"}`), 1, result);
      }
    });

    it('gives the place of a client that left to another', async () => {
      const harness = use(await EdgeHarness.start({ instanceConnectionLimit: 1 }));
      for (let round = 1; round <= 3; round += 1) {
        const peer = use(await RawPeer.upgrade(harness.port));
        await refused(harness, upgradeRequest(), 429, 'Global limit');
        peer.socket.destroy();
        await harness.logged('client disconnected', round);
      }
    });

    it('names the parameter and never what was sent', async () => {
      const harness = use(await EdgeHarness.start());
      await refused(harness, upgradeRequest('/ws?encoding='), 400, 'encoding: expected br, identity or text');
      await refused(harness, upgradeRequest('/ws?encoding=BR'), 400, 'encoding: expected br, identity or text');
      await refused(harness, upgradeRequest('/ws?encoding=br&encoding=br'), 400, 'encoding: expected once');
      await refused(harness, upgradeRequest('/ws?%65ncoding=%zz'), 400, 'encoding: expected br, identity or text');
    });
  });

  describe('encodings', () => {
    const plain = Buffer.from(`{"note":"${'flashblock '.repeat(40)}"}`);
    const payload = brotliCompressSync(plain);

    for (const [query, compression, opcode, expected] of [
      ['', false, OPCODE.binary, plain],
      ['', true, OPCODE.binary, payload],
      ['?encoding=br', false, OPCODE.binary, payload],
      ['?encoding=identity', true, OPCODE.binary, plain],
      ['?encoding=text', true, OPCODE.text, plain],
    ] as const) {
      it(`sends "${query}" where compression is ${compression ? 'on' : 'off'}`, async () => {
        const harness = use(await EdgeHarness.start({ enableCompression: compression }));
        const peer = use(await RawPeer.upgrade(harness.port, `/ws${query}`));
        harness.deliver({ plain, plainLength: plain.length, payload, payloadEncoding: 'brotli' });
        const [frame] = await peer.received(1);
        assert.equal(frame?.opcode, opcode);
        assert.deepEqual(frame.payload, expected);
      });
    }

    it('sends a message that is no JSON to all as the same Binary frame', async () => {
      const harness = use(await EdgeHarness.start());
      const raw = Buffer.from([0xff, 0x00, 0x80]);
      for (const encoding of ['br', 'identity', 'text']) {
        const peer = use(await RawPeer.upgrade(harness.port, `/ws?encoding=${encoding}`));
        harness.deliver({ plain: raw, kind: 'raw' });
        const [frame] = await peer.received(1);
        assert.deepEqual([frame?.opcode, frame?.payload], [OPCODE.binary, raw]);
      }
    });
  });

  describe('connections that never become clients', () => {
    it('are bounded in all: a new one takes the place of the one that has been waited for the longest', async () => {
      const harness = use(await EdgeHarness.start({ maxPending: 2 }));
      const longest = use(new RawPeer(harness.port));
      await harness.pending(1);
      const second = use(new RawPeer(harness.port));
      await harness.pending(2);
      const third = use(new RawPeer(harness.port));
      await longest.end();
      assert.equal(longest.text, '');
      assert.equal(harness.front.pendingConnections, 2);
      third.socket.write(upgradeRequest());
      await third.head();
      assert.equal(third.status, 101);
      assert.equal(harness.front.pendingConnections, 1);
      assert.equal(second.closed, false);
      assert.equal(await harness.sample('flashcast_admissions_total{result="pending_limit"}'), 1);
    });

    it('leave /healthz answered and honest clients admitted when silent ones hold all places', async () => {
      const harness = use(await EdgeHarness.start({ maxPending: 20 }));
      const silent = Array.from({ length: 20 }, () => use(new RawPeer(harness.port)));
      await harness.pending(20);
      for (let round = 0; round < 5; round += 1) {
        assert.equal((await answerOf(harness, GET('/healthz'))).status, 200);
        use(await RawPeer.upgrade(harness.port));
      }
      const closed = silent.filter((peer) => peer.closed).length;
      assert.ok(closed >= 1 && closed <= 10, `${closed} silent ones gave their place`);
    });

    it('are bounded by address, but for those of a trusted proxy', async () => {
      const bounded = use(await EdgeHarness.start({ maxPendingPerIp: 2, trustedProxies: ['none'] }));
      const waiting = [use(new RawPeer(bounded.port)), use(new RawPeer(bounded.port))];
      await bounded.pending(2);
      const third = await answerOf(bounded, upgradeRequest());
      assert.equal(third.text, '');
      waiting[0]!.socket.destroy();
      await bounded.pending(1);
      use(await RawPeer.upgrade(bounded.port));

      const behindProxy = use(await EdgeHarness.start({ maxPendingPerIp: 2 }));
      Array.from({ length: 5 }, () => use(new RawPeer(behindProxy.port)));
      await behindProxy.pending(5);
    });

    it('are ended when they send no request in time', async () => {
      const harness = use(await EdgeHarness.start({ handshakeTimeoutMs: 50 }));
      const silent = use(new RawPeer(harness.port));
      const slow = use(new RawPeer(harness.port));
      slow.socket.write('GET /ws HTTP/1.1\r\nHost: ed');
      await Promise.all([silent.end(), slow.end()]);
      assert.deepEqual([silent.status, slow.status], [408, 408]);
      await harness.pending(0);
    });

    it('are answered with 400 when they speak no HTTP, and with 431 when their head is too large', async () => {
      const harness = use(await EdgeHarness.start({ maxHeaderBytes: 1024 }));
      await refused(harness, '\x16\x03\x01 hello\r\n\r\n', 400, 'Bad request');
      await refused(harness, upgradeRequest('/ws', [`X-Large: ${'x'.repeat(2000)}`]), 431, 'Request header too large');
      await refused(harness, upgradeRequest(`/ws?x=${'x'.repeat(20_000)}`), 431, 'Request header too large');
      use(await RawPeer.upgrade(harness.port, '/ws', [`X-Small: ${'x'.repeat(500)}`]));
      await harness.pending(0);
    });

    it('leave nothing behind when they are cut off at any byte of their handshake', async () => {
      const harness = use(await EdgeHarness.start());
      const request = upgradeRequest();
      for (let length = 0; length <= request.length; length += 7) {
        const peer = use(new RawPeer(harness.port));
        peer.socket.write(request.slice(0, length));
        await once(peer.socket, 'connect');
        if (length % 2 === 0) peer.socket.resetAndDestroy();
        else peer.socket.destroy();
      }
      // Connections are accepted in their order: when the last one is a client, all others have been seen.
      const last = use(await RawPeer.upgrade(harness.port));
      await harness.pending(0);
      await harness.clients(1);
      last.socket.destroy();
      await harness.clients(0);
      assert.equal(await harness.sample('websocket_proxy_active_connections'), 0);
      assert.equal(
        await harness.sample('websocket_proxy_new_connections'),
        await harness.sample('websocket_proxy_closed_connections'),
      );
    });
  });

  describe('bookkeeping', () => {
    it('counts clients by encoding as they come and go, with their address in the debug log only', async () => {
      const harness = use(await EdgeHarness.start());
      const peer = use(await RawPeer.upgrade(harness.port, '/ws?encoding=text', ['X-Forwarded-For: 203.0.113.7']));
      assert.equal(await harness.sample('flashcast_clients{kind="plain",encoding="text"}'), 1);
      assert.equal(await harness.sample('websocket_proxy_active_connections'), 1);
      peer.socket.destroy();
      const [gone] = await harness.logged('client disconnected');
      assert.deepEqual([gone?.['address'], gone?.['reason'], gone?.['level']], ['203.0.113.7', 'client', 20]);
      assert.equal(await harness.sample('flashcast_clients{kind="plain",encoding="text"}'), 0);
      assert.equal(await harness.sample('websocket_proxy_active_connections'), 0);
      assert.equal(await harness.sample('flashcast_client_disconnects_total{reason="client"}'), 1);
    });

    it('tells a reset from an end', async () => {
      const harness = use(await EdgeHarness.start());
      const peer = use(await RawPeer.upgrade(harness.port));
      peer.socket.resetAndDestroy();
      const [gone] = await harness.logged('client disconnected');
      assert.equal(gone?.['reason'], 'error');
    });

    it('answers a Close frame and ends', async () => {
      const harness = use(await EdgeHarness.start());
      const client = new WebSocket(harness.url());
      const changes = new Changes();
      let code: number | undefined;
      client.on('open', () => client.close(1000));
      client.on('close', (closeCode) => {
        code = closeCode;
        changes.notify();
      });
      await changes.until(() => code !== undefined, 'the close');
      assert.equal(code, 1000);
      const [gone] = await harness.logged('client disconnected');
      assert.equal(gone?.['reason'], 'client');
    });

    it('sends a client that closes no message after its Close frame', async () => {
      const harness = use(await EdgeHarness.start());
      const peer = use(await RawPeer.upgrade(harness.port));
      peer.socket.write(controlFrame(OPCODE.close, Buffer.from([0x03, 0xe8])));
      await peer.received(1);
      harness.deliver();
      await peer.end();
      assert.deepEqual(
        peer.frames.map(({ opcode }) => opcode),
        [OPCODE.close],
      );
    });
  });

  it('stops with clients, half-open handshakes and idle connections, idempotently and also while it starts', async () => {
    const harness = new EdgeHarness();
    const starting = harness.front.start();
    await Promise.all([harness.front.stop(), starting]);

    const other = await EdgeHarness.start();
    const peers = [use(await RawPeer.upgrade(other.port)), use(new RawPeer(other.port)), use(new RawPeer(other.port))];
    peers[2]!.socket.write('GET /ws HT');
    await other.pending(2);
    await Promise.all([other.front.stop(), other.front.stop()]);
    await Promise.all(peers.map((peer) => peer.end()));
    await other.front.stop();
    assert.equal(other.fanout.clients.length, 0);
  });

  it('cannot start on a port that is taken', async () => {
    const harness = use(await EdgeHarness.start());
    const second = use(new EdgeHarness({ listenAddr: { host: '127.0.0.1', port: harness.port } }));
    await assert.rejects(second.front.start(), { code: 'EADDRINUSE' });
  });
});
