import { strict as assert } from 'node:assert';
import { usesResources } from '../../../support/use.ts';
import { EdgeHarness } from '../../harness.ts';
import { RawPeer, upgradeRequest } from '../../raw-peer.ts';
import { inet, inet6, v1, v2 } from './proxy-headers.ts';

describe('PROXY protocol', () => {
  const use = usesResources();

  /** A client behind the header, and the address that it counts by. */
  async function addressOf(harness: EdgeHarness, header: Buffer, lines: readonly string[] = []): Promise<unknown> {
    const known = harness.log.filter(({ msg }) => msg === 'client connected').length;
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(Buffer.concat([header, Buffer.from(upgradeRequest('/ws', lines))]));
    await peer.head();
    assert.equal(peer.status, 101, peer.text);
    return (await harness.logged('client connected', known + 1)).at(-1)?.['address'];
  }

  it("gives the client's address, and the balancer's own where it names none", async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true }));
    assert.equal(await addressOf(harness, v1('TCP4')), '192.0.2.7');
    assert.equal(await addressOf(harness, v1('TCP6', '2001:db8::7', '::1')), '2001:db8::7');
    assert.equal(await addressOf(harness, v1('TCP6', '::ffff:192.0.2.7', '::1')), '192.0.2.7');
    assert.equal(await addressOf(harness, v2({ payload: inet() })), '192.0.2.7');
    assert.equal(await addressOf(harness, v2({ family: 0x21, payload: inet6() })), '2001:db8::7');
    assert.equal(await addressOf(harness, v2({ command: 0x20, family: 0x00 })), '127.0.0.1');
    assert.equal(await addressOf(harness, v1('UNKNOWN')), '127.0.0.1');
  });

  it('names the peer whose address header is believed or not', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true, trustedProxies: ['loopback', '10.0.0.0/8'] }));
    const claim = ['X-Forwarded-For: 203.0.113.5'];
    assert.equal(await addressOf(harness, v1('TCP4', '10.0.0.3'), claim), '203.0.113.5');
    assert.equal(await addressOf(harness, v1('TCP4', '192.0.2.7'), claim), '192.0.2.7');
  });

  it('may come a byte at a time, and what follows it too', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true }));
    for (const header of [v1('TCP4'), v2({ payload: inet() })]) {
      const peer = use(new RawPeer(harness.port));
      for (const byte of Buffer.concat([header, Buffer.from(upgradeRequest())])) {
        await new Promise((resolve) => peer.socket.write(Buffer.from([byte]), resolve));
      }
      await peer.head();
      assert.equal(peer.status, 101);
      harness.deliver();
      assert.equal((await peer.received(1)).length, 1);
    }
  });

  it('is required: a connection that begins otherwise is closed without an answer', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true }));
    for (const first of [
      'GET /healthz HTTP/1.1\r\nHost: edge\r\n\r\n',
      'PROXY TCP4 x y 1 2\r\n',
      '\r\n\r\n\0\r\nQUIT\r\n\r\n',
    ]) {
      const peer = use(new RawPeer(harness.port));
      peer.socket.write(first);
      await peer.end();
      assert.equal(peer.text, '');
    }
    const ended = use(new RawPeer(harness.port));
    ended.socket.end('PROXY TCP4 192.');
    await ended.end();
    await harness.pending(0);
    assert.equal(await harness.sample('flashcast_admissions_total{result="proxy_header"}'), 3);
  });

  it('is believed of trusted proxies only, and nobody else may connect', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true, trustedProxies: ['10.0.0.0/8'] }));
    for (const first of [v1('TCP4'), Buffer.from(upgradeRequest())]) {
      const peer = use(new RawPeer(harness.port));
      peer.socket.write(first);
      await peer.end();
      assert.equal(peer.text, '');
    }
    await harness.pending(0);
  });

  it('is waited for no longer than HANDSHAKE_TIMEOUT_MS', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true, handshakeTimeoutMs: 50 }));
    const silent = use(new RawPeer(harness.port));
    const slow = use(new RawPeer(harness.port));
    slow.socket.write('PROXY TCP4 192.');
    await Promise.all([silent.end(), slow.end()]);
    await harness.pending(0);
  });

  it('tells whose connections MAX_PENDING_PER_IP counts', async () => {
    const harness = use(await EdgeHarness.start({ proxyProtocol: true, maxPendingPerIp: 2 }));
    const opened = async (header: Buffer, count: number): Promise<RawPeer> => {
      const peer = use(new RawPeer(harness.port));
      peer.socket.write(header);
      await harness.pending(count);
      return peer;
    };
    await opened(v1('TCP6', '2001:db8::7', '::1'), 1);
    await opened(v1('TCP6', '2001:db8::8', '::1'), 2);
    const third = use(new RawPeer(harness.port));
    third.socket.write(v1('TCP6', '2001:db8::9', '::1'));
    await third.end();
    await opened(v1('TCP6', '2001:db8:0:1::7', '::1'), 3);
    for (let count = 4; count <= 6; count += 1) await opened(v1('UNKNOWN'), count);
  });
});
