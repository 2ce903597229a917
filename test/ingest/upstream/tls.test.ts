import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { Rig } from './rig.ts';
import { SocketServer } from './sockets.ts';

const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`./tls/${name}.pem`, import.meta.url), 'utf8'));

describe('an upstream over TLS', () => {
  const use = usesResources();

  /** A server whose certificate holds for 127.0.0.1 alone and is signed by nobody else. */
  async function start() {
    const https = createServer({ key, cert });
    https.listen(0, '127.0.0.1');
    await once(https, 'listening');
    use({
      [Symbol.asyncDispose]: () =>
        new Promise((resolve) => {
          https.close(() => {
            resolve();
          });
        }),
    });
    return { server: use(await SocketServer.start({ server: https })), port: (https.address() as AddressInfo).port };
  }

  it('is connected when its certificate is trusted, and sends and gets what it would over ws', async () => {
    const { server, port } = await start();
    const rig = use(new Rig(`wss://user:pass@127.0.0.1:${port}/ws`, {}, { ca: cert! }));
    await rig.connected();
    assert.equal(rig.upstream.name, `127.0.0.1:${port}#0`);
    const content = flashblockJson({ blockNumber: 1, index: 0 });
    (await server.accepted()).send(content);
    await rig.received(1);
    assert.ok(rig.messages[0]!.content.equals(content));
  });

  it('is refused when its certificate is not trusted, whatever the environment says', async () => {
    const { server, port } = await start();
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      const rig = use(new Rig(`wss://127.0.0.1:${port}/ws`));
      assert.equal((await rig.logged('upstream dial failed'))['reason'], 'tls');
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
    assert.deepEqual(server.dials, []);
  });

  it('is refused when its certificate is for another name', async () => {
    const { server, port } = await start();
    const rig = use(new Rig(`wss://localhost:${port}/ws`, {}, { ca: cert! }));
    assert.equal((await rig.logged('upstream dial failed'))['reason'], 'tls');
    assert.deepEqual(server.dials, []);
  });

  it('is refused when the other side speaks no TLS', async () => {
    const server = use(await SocketServer.start());
    const rig = use(new Rig(server.url.replace('ws://', 'wss://')));
    assert.equal((await rig.logged('upstream dial failed'))['reason'], 'tls');
  });

  it('shows parts of a message that is still coming as life', async () => {
    const { server, port } = await start();
    const rig = use(new Rig(`wss://127.0.0.1:${port}/ws`, { subscriberPingIntervalMs: 1e9 }, { ca: cert! }));
    const socket = await server.accepted();
    await rig.connected();
    for (let round = 0; round < 6; round++) {
      rig.clock.advance(3900);
      const sent = new Promise((resolve) => socket.send('part', { fin: false }, resolve));
      await sent;
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(rig.states, [true]);
  });
});
