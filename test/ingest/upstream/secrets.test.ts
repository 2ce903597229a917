import assert from 'node:assert/strict';
import { TestBuilder } from '../../support/builder.ts';
import { usesResources } from '../../support/use.ts';
import { Rig } from './rig.ts';
import { RawServer, SocketServer } from './sockets.ts';

const SECRET = 'hunter2';

/** The URI of a server with secrets wherever a URI can hold them. */
function secretUri(url: string): string {
  return `${url.replace('://', `://user-${SECRET}:${SECRET}@`)}/${SECRET}?token=${SECRET}`;
}

describe('secrets in the URI of an upstream', () => {
  const use = usesResources();

  /** Fails when log or metrics hold a secret in any form. */
  async function assertSilent(rig: Rig): Promise<void> {
    const base64 = Buffer.from(`user-${SECRET}:${SECRET}`).toString('base64');
    const text = JSON.stringify(rig.log) + (await rig.registry.metrics()) + rig.upstream.name;
    assert.ok(rig.log.length > 0);
    for (const secret of [SECRET, base64, 'token', '://']) assert.ok(!text.includes(secret), `${secret} in ${text}`);
  }

  it('appear in no log line and no metric, however a dial fails', async () => {
    const builder = await TestBuilder.start();
    const { url } = builder;
    await builder.stop();
    const refusing = use(await SocketServer.start({}, () => 401));
    const redirecting = use(
      await RawServer.start(() => `HTTP/1.1 301 ${SECRET}\r\nLocation: ws://${SECRET}/\r\nContent-Length: 0\r\n\r\n`),
    );
    const talking = use(await RawServer.start(() => `${SECRET} is no HTTP\r\n\r\n`));
    for (const uri of [url, refusing.url, redirecting.url, talking.url, url.replace('ws:', 'wss:'), 'ws://x.invalid']) {
      const rig = use(new Rig(secretUri(uri)));
      await rig.logged('upstream dial failed');
      await assertSilent(rig);
    }
  });

  it('appear in no log line and no metric, however a connection ends', async () => {
    for (const end of ['close', 'cut', 'oversized', 'protocol', 'silent'] as const) {
      const server = use(await SocketServer.start({ autoPong: false }));
      const rig = use(new Rig(secretUri(server.url), { maxMessageBytes: 10 }));
      const socket = await server.accepted();
      await rig.connected();
      if (end === 'close') socket.close(4000, SECRET);
      if (end === 'cut') socket.terminate();
      if (end === 'oversized') socket.send(SECRET.repeat(20));
      if (end === 'protocol') socket.send(Buffer.from([0xff]), { binary: false });
      if (end === 'silent') rig.clock.advance(5000);
      const { reason } = await rig.logged('upstream disconnected');
      assert.equal(
        reason,
        { close: 'closed', cut: 'reset', oversized: 'oversized', protocol: 'protocol', silent: 'silent' }[end],
      );
      await assertSilent(rig);
    }
  });
});
