import { strict as assert } from 'node:assert';
import { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { usesResources } from '../../support/use.ts';
import { EdgeHarness } from '../harness.ts';
import { RawPeer, upgradeRequest } from '../raw-peer.ts';

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: edge\r\n\r\n';

describe('hostile requests', () => {
  const use = usesResources();

  async function answered(harness: EdgeHarness, request: string | Buffer): Promise<RawPeer> {
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(request);
    await peer.end();
    return peer;
  }

  async function refused(harness: EdgeHarness, request: string | Buffer, status: number): Promise<string> {
    const peer = await answered(harness, request);
    assert.equal(peer.status, status, peer.text);
    assert.equal(peer.text.match(/HTTP\/1\.1 /g)?.length, 1, 'one answer');
    return peer.body === '' ? '' : (JSON.parse(peer.body) as { message: string }).message;
  }

  it('with a body do not become clients, and nothing behind their head is taken as a request', async () => {
    const harness = use(await EdgeHarness.start());
    for (const [line, body] of [
      ['Content-Length: 5', 'hello'],
      ['Content-Length: 5', ''],
      ['Content-Length: 00', ''],
      [`Content-Length: ${HEALTH.length}`, HEALTH],
      ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
      ['Transfer-Encoding: identity', ''],
    ] as const) {
      const request = upgradeRequest('/ws', [line]) + body;
      assert.match(await refused(harness, request, 400), /^(Expected no body|Bad request)$/, line);
    }
    const both = upgradeRequest('/ws', ['Content-Length: 5', 'Transfer-Encoding: chunked']);
    assert.equal(await refused(harness, `${both}0\r\n\r\n`, 400), 'Bad request');
    const none = use(await RawPeer.upgrade(harness.port, '/ws', ['Content-Length: 0']));
    assert.equal(none.status, 101);
  });

  it('on a route that takes none end their connection with the answer', async () => {
    const harness = use(await EdgeHarness.start());
    const length = HEALTH.length;
    const withBody = HEALTH.replace('Host: edge', `Host: edge\r\nContent-Length: ${length}`);
    assert.equal(await refused(harness, withBody + HEALTH, 200), '');
    assert.equal(
      await refused(harness, `POST /ws HTTP/1.1\r\nHost: edge\r\nContent-Length: 1000000\r\n\r\nxx`, 404),
      'Not found',
    );
    const expecting = HEALTH.replace('Host: edge', 'Host: edge\r\nExpect: 100-continue\r\nContent-Length: 9');
    assert.equal(await refused(harness, expecting, 200), '');
  });

  it('with two Authorization headers that differ do not become clients', async () => {
    const harness = use(await EdgeHarness.start());
    const two = (other: string) => ['Authorization: Bearer one', `Authorization: Bearer ${other}`];
    assert.equal(await refused(harness, upgradeRequest('/ws', two('two')), 400), 'Expected one Authorization header');
    assert.equal(use(await RawPeer.upgrade(harness.port, '/ws', two('one'))).status, 101);
  });

  it('for /healthz with no Host or two are refused, with an upgrade and without', async () => {
    const harness = use(await EdgeHarness.start());
    for (const request of [HEALTH, upgradeRequest('/healthz')]) {
      for (const hosts of ['', 'Host: a\r\nHost: b\r\n'])
        assert.equal(await refused(harness, request.replace(/Host: .*\r\n/, hosts), 400), 'Expected one Host header');
    }
  });

  it('with no Host, two, or of another version of HTTP do not become clients', async () => {
    const harness = use(await EdgeHarness.start());
    assert.equal(
      await refused(harness, upgradeRequest().replace('Host: edge\r\n', ''), 400),
      'Expected one Host header',
    );
    assert.equal(await refused(harness, upgradeRequest('/ws', ['Host: other']), 400), 'Expected one Host header');
    assert.equal(await refused(harness, upgradeRequest().replace('HTTP/1.1', 'HTTP/1.0'), 400), 'Expected HTTP/1.1');
    assert.equal(await refused(harness, HEALTH.replace('Host: edge\r\n', ''), 400), 'Expected one Host header');
    assert.equal(await refused(harness, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400), 'Bad request');
  });

  it('of very many lines are refused, and the last line still tells the address', async () => {
    const harness = use(await EdgeHarness.start({ maxHeaderBytes: 65_536 }));
    const lines = (count: number): string[] => Array.from({ length: count }, (_, n) => `X-${n}: 1`);
    assert.equal(await refused(harness, upgradeRequest('/ws', lines(3000)), 431), 'Too many header lines');
    use(await RawPeer.upgrade(harness.port, '/ws', [...lines(90), 'X-Forwarded-For: 203.0.113.7']));
    const [connected] = await harness.logged('client connected');
    assert.equal(connected?.['address'], '203.0.113.7');
  });

  it('with control characters or folded lines are no requests', async () => {
    const harness = use(await EdgeHarness.start());
    for (const request of [
      upgradeRequest('/ws\0'),
      upgradeRequest('/ws\x01'),
      upgradeRequest('/ws\x7f'),
      upgradeRequest('/ws', ['X-A: a\0b']),
      upgradeRequest('/ws', ['X-A: a\r\n folded']),
      upgradeRequest('/ws', ['X-A : b']),
      upgradeRequest('/ws', [': b']),
      upgradeRequest('/ws', ['X-A: a\nX-B: b']),
      upgradeRequest().replaceAll('\r\n', '\n'),
      upgradeRequest('/ws\r'),
    ]) {
      const peer = await answered(harness, request);
      assert.equal(peer.status, 400, JSON.stringify(request));
    }
  });

  it('have no answer behind a refusal: neither a second request nor an upgrade', async () => {
    const harness = use(await EdgeHarness.start());
    await refused(harness, `GET /nowhere HTTP/1.1\r\nHost: edge\r\n\r\n${HEALTH}`, 404);
    await refused(harness, `GET /nowhere HTTP/1.1\r\nHost: edge\r\n\r\n${upgradeRequest()}`, 404);
    await refused(harness, `${upgradeRequest('/nowhere')}${HEALTH}`, 404);
    await harness.pending(0);
    assert.equal(harness.fanout.clients.length, 0);
  });

  it('may follow a whole answer on the connection of a proxy that keeps it', async () => {
    const harness = use(await EdgeHarness.start());
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(HEALTH);
    await peer.head();
    peer.socket.write(upgradeRequest());
    await harness.clients(1);
  });

  it('one behind the other on one connection are bounded', async () => {
    const harness = use(await EdgeHarness.start());
    const peer = await answered(harness, HEALTH.repeat(1000));
    const answers = peer.text.match(/HTTP\/1\.1 200 /g)?.length ?? 0;
    assert.ok(answers >= 1 && answers <= 128, `${answers} answers`);
  });

  it('tell nothing of the server in what they are answered', async () => {
    const harness = use(await EdgeHarness.start());
    const known =
      /^(connection|content-length|content-type|date|retry-after|upgrade|keep-alive|sec-websocket-version)$/;
    for (const request of [
      HEALTH.replace('Host: edge', 'Host: edge\r\nConnection: close'),
      'GET / HTTP/1.1\r\nHost: edge\r\n\r\n',
      'GET /ws HTTP/1.1\r\nHost: edge\r\n\r\n',
      'nonsense\r\n\r\n',
      upgradeRequest('/ws?encoding=x'),
      upgradeRequest().replace('Version: 13', 'Version: 1'),
    ]) {
      const peer = await answered(harness, request);
      for (const name of peer.headers.keys()) assert.match(name, known);
      assert.ok(peer.body.length < 100);
      assert.doesNotMatch(peer.text, /node|flashcast|\bat \//i);
    }
  });

  it('of names that objects have are ignored like any other', async () => {
    const harness = use(await EdgeHarness.start());
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'];
    const query = names.map((name) => `${name}=1&${name}[x]=2`).join('&');
    const peer = use(
      await RawPeer.upgrade(
        harness.port,
        `/ws?${query}`,
        names.map((name) => `${name}: 1`),
      ),
    );
    assert.equal(peer.status, 101);
    for (const name of names) {
      const named = use(await EdgeHarness.start({ ipAddrHttpHeader: name }));
      use(await RawPeer.upgrade(named.port, '/ws', [`${name}: 203.0.113.7`]));
      use(await RawPeer.upgrade(named.port));
      const addresses = (await named.logged('client connected', 2)).map(({ address }) => address);
      assert.deepEqual(addresses, ['203.0.113.7', '127.0.0.1'], name);
    }
  });

  it('are read without what throws at some names in older releases of Node', async () => {
    const prototype = IncomingMessage.prototype as unknown as { _addHeaderLineDistinct: (name: string) => void };
    const before = prototype._addHeaderLineDistinct;
    prototype._addHeaderLineDistinct = () => {
      throw new TypeError('dest[field].push is not a function');
    };
    try {
      const harness = use(await EdgeHarness.start());
      for (const request of [HEALTH, 'GET /ws HTTP/1.1\r\nHost: edge\r\n\r\n', upgradeRequest()]) {
        const peer = use(new RawPeer(harness.port));
        peer.socket.write(request.replace('\r\n\r\n', '\r\n__proto__: 1\r\n\r\n'));
        await peer.head();
        assert.ok([200, 426, 101].includes(peer.status!), String(peer.status));
      }
    } finally {
      prototype._addHeaderLineDistinct = before;
    }
  });

  it('made of an honest one with some bytes changed end in an answer, a client or the end of the connection', async function () {
    this.timeout(60_000);
    const harness = use(await EdgeHarness.start({ handshakeTimeoutMs: 200 }));
    const honest = Buffer.from(
      upgradeRequest('/ws?encoding=text', ['X-Forwarded-For: 203.0.113.7', 'Origin: http://a']),
    );
    const change = fc.record({ at: fc.nat(honest.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const request = Buffer.from(honest);
        for (const { at, byte } of changes) request[at] = byte;
        const peer = new RawPeer(harness.port);
        peer.socket.write(request);
        await peer.changes.until(() => peer.closed || peer.status !== undefined, 'an answer or the end');
        if (peer.status !== undefined) assert.ok([101, 200, 400, 404, 408, 426, 431].includes(peer.status), peer.text);
        peer.socket.destroy();
        await peer.end();
      }),
      { numRuns: 500 },
    );
    await harness.clients(0);
    await harness.pending(0);
    use(await RawPeer.upgrade(harness.port));
  });
});
