import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs, { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { SettingsError } from '../../../../shared/config/settings-error.ts';
import { Changes } from '../../../support/changes.ts';
import { usesResources } from '../../../support/use.ts';
import { EdgeHarness, type HarnessSettings } from '../../harness.ts';
import { RawPeer, upgradeRequest } from '../../raw-peer.ts';
import { inet, v2 } from './proxy-headers.ts';

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** Two certificates of 127.0.0.1, each signed by itself. */
const FIRST = beside('../../../ingest/upstream/tls');
const SECOND = beside('tls');
const certOf = (folder: string): string => readFileSync(join(folder, 'cert.pem'), 'utf8');

describe('TLS', () => {
  const use = usesResources();

  /** A folder with a copy of a pair. */
  function folderWith(pair: string): { tlsCertFile: string; tlsKeyFile: string } {
    const folder = mkdtempSync(join(tmpdir(), 'flashcast-tls-'));
    use({
      [Symbol.asyncDispose]: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
    copyFileSync(join(pair, 'cert.pem'), join(folder, 'cert.pem'));
    copyFileSync(join(pair, 'key.pem'), join(folder, 'key.pem'));
    return { tlsCertFile: join(folder, 'cert.pem'), tlsKeyFile: join(folder, 'key.pem') };
  }

  async function started(settings: Partial<HarnessSettings> = {}): Promise<EdgeHarness> {
    return use(await EdgeHarness.start({ ...folderWith(FIRST), ...settings }));
  }

  async function tlsPeer(harness: EdgeHarness, options: object = {}): Promise<TLSSocket> {
    const peer = connect({ host: '127.0.0.1', port: harness.port, ca: [certOf(FIRST), certOf(SECOND)], ...options });
    peer.on('error', () => undefined).resume();
    use({
      [Symbol.asyncDispose]: () => {
        peer.destroy();
        return Promise.resolve();
      },
    });
    await once(peer, 'secureConnect');
    return peer;
  }

  const fingerprint = (peer: TLSSocket): string => peer.getPeerCertificate().fingerprint256;

  it('is spoken to clients, which get what they would over ws', async () => {
    const harness = await started();
    const client = new WebSocket(`wss://127.0.0.1:${harness.port}/ws`, { ca: certOf(FIRST) });
    const changes = new Changes();
    const messages: Buffer[] = [];
    let closed: number | undefined;
    client.on('message', (message: Buffer) => {
      messages.push(message);
      changes.notify();
    });
    client.on('close', (code) => {
      closed = code;
      changes.notify();
    });
    await once(client, 'open');
    assert.equal(harness.front.pendingConnections, 0);
    const payload = Buffer.from(`{"note":"${'x'.repeat(200_000)}"}`);
    for (let count = 0; count < 20; count += 1) harness.deliver({ plain: payload, plainLength: payload.length });
    await changes.until(() => messages.length === 20, '20 messages');
    assert.ok(messages.every((message) => message.equals(payload)));
    await harness.front.stop();
    await changes.until(() => closed !== undefined, 'the close');
    assert.equal(closed, 1001);
  });

  it('leaves a client alone that reads one large message slowly, and ends it when it takes nothing', async () => {
    let time = 1000;
    const harness = use(await EdgeHarness.start(folderWith(FIRST), () => time));
    const peer = await tlsPeer(harness);
    const changes = new Changes();
    let received = 0;
    peer.on('data', (chunk: Buffer) => {
      received += chunk.length;
      changes.notify();
    });
    peer.write(upgradeRequest());
    await harness.clients(1);
    peer.pause();
    const client = harness.fanout.clients[0]!;
    // More than the kernel keeps on both sides, so that reading the first half makes it take more.
    const bytes = 48 * 1_048_576;
    const payload = Buffer.alloc(bytes, 0x20);
    harness.deliver({ plain: payload, payload, plainLength: bytes });
    assert.ok(client.blocked);
    for (const part of [0.5, 0.6, 0.7]) {
      time += 999;
      peer.resume();
      await changes.until(() => received >= part * bytes, `${part} of the message`);
      peer.pause();
      harness.fanout.lag.check();
      assert.ok(client.open, `ended when ${part} was read`);
      assert.ok(client.blocked);
    }
    // What was under way when it was last looked at may still have been taken.
    while (client.open) {
      const { progressAt } = client;
      time = progressAt + 1000;
      harness.fanout.lag.check();
      assert.notDeepEqual([client.open, client.progressAt], [true, progressAt], 'not cut off');
    }
    const [gone] = await harness.logged('client disconnected');
    assert.equal(gone?.['reason'], 'slow');
  });

  it('offers HTTP/1.1 and nothing newer', async () => {
    const harness = await started();
    assert.equal((await tlsPeer(harness, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1');
    await assert.rejects(tlsPeer(harness, { ALPNProtocols: ['h2'] }));
    await assert.rejects(tlsPeer(harness, { maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
  });

  it('goes behind the PROXY protocol', async () => {
    const harness = await started({ proxyProtocol: true });
    const tcp = connectTcp(harness.port, '127.0.0.1');
    tcp.write(v2({ payload: inet() }));
    const client = new WebSocket(`wss://127.0.0.1:${harness.port}/ws`, {
      createConnection: () => connect({ socket: tcp, ca: certOf(FIRST), host: '127.0.0.1' }),
    });
    await once(client, 'open');
    const [connected] = await harness.logged('client connected');
    assert.equal(connected?.['address'], '192.0.2.7');
    client.terminate();
    await harness.logged('client disconnected');
  });

  it('that is not spoken, breaks off or stands still ends the connection and leaves nothing', async () => {
    const harness = await started({ handshakeTimeoutMs: 100 });
    const plain = use(new RawPeer(harness.port));
    plain.socket.write('GET /ws HTTP/1.1\r\nHost: edge\r\n\r\n');
    const silent = use(new RawPeer(harness.port));
    const halfway = use(new RawPeer(harness.port));
    halfway.socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    const gone = use(new RawPeer(harness.port));
    gone.socket.write(Buffer.from([22, 3, 1]));
    await once(gone.socket, 'connect');
    gone.socket.resetAndDestroy();
    const noRequest = await tlsPeer(harness);
    await Promise.all([plain.end(), silent.end(), halfway.end(), once(noRequest, 'close')]);
    assert.deepEqual([silent.text, halfway.text], ['', '']);
    await harness.pending(0);
    await tlsPeer(harness);
  });

  it('takes a new pair for new connections and keeps the old ones', async () => {
    const files = folderWith(FIRST);
    const harness = use(await EdgeHarness.start(files));
    const before = await tlsPeer(harness);
    const notAfter = async (): Promise<number | undefined> =>
      harness.sample('flashcast_tls_certificate_not_after_seconds');
    assert.equal(await notAfter(), Date.parse(new X509Certificate(certOf(FIRST)).validTo) / 1000);

    copyFileSync(join(SECOND, 'cert.pem'), files.tlsCertFile);
    copyFileSync(join(SECOND, 'key.pem'), files.tlsKeyFile);
    harness.tls!.reload();
    const after = await tlsPeer(harness);
    assert.equal(fingerprint(before), new X509Certificate(certOf(FIRST)).fingerprint256);
    assert.equal(fingerprint(after), new X509Certificate(certOf(SECOND)).fingerprint256);
    assert.equal(before.destroyed, false);
    assert.equal(await notAfter(), Date.parse(new X509Certificate(certOf(SECOND)).validTo) / 1000);
    harness.tls!.reload();
    assert.equal((await harness.logged('certificate read again')).length, 1);
  });

  it('keeps the old pair when the new one cannot be used, and says so once for each', async () => {
    const files = folderWith(FIRST);
    const harness = use(await EdgeHarness.start(files));
    const failures = async (): Promise<number | undefined> => harness.sample('flashcast_tls_reload_failures_total');
    const old = new X509Certificate(certOf(FIRST)).fingerprint256;
    const reloaded = async (): Promise<void> => {
      harness.tls!.reload();
      harness.tls!.reload();
      assert.equal(fingerprint(await tlsPeer(harness)), old);
    };
    copyFileSync(join(SECOND, 'cert.pem'), files.tlsCertFile);
    await reloaded();
    assert.equal(await failures(), 1);
    writeFileSync(files.tlsCertFile, 'no certificate');
    await reloaded();
    rmSync(files.tlsCertFile);
    await reloaded();
    assert.equal(await failures(), 3);
    const problems = (await harness.logged('certificate not read again, serving with the old one', 3)).map(
      ({ problem }) => problem,
    );
    assert.deepEqual(problems, [
      'TLS_KEY_FILE: expected the private key of TLS_CERT_FILE as PEM, without a password',
      'TLS_CERT_FILE: expected a certificate chain as PEM',
      'TLS_CERT_FILE: the file does not exist',
    ]);
    copyFileSync(join(SECOND, 'cert.pem'), files.tlsCertFile);
    copyFileSync(join(SECOND, 'key.pem'), files.tlsKeyFile);
    harness.tls!.reload();
    assert.notEqual(fingerprint(await tlsPeer(harness)), old);
  });

  it('notices by itself that the files were replaced', async function () {
    this.timeout(15_000);
    const files = folderWith(FIRST);
    const harness = use(await EdgeHarness.start(files));
    harness.tls!.start();
    try {
      copyFileSync(join(SECOND, 'cert.pem'), files.tlsCertFile);
      copyFileSync(join(SECOND, 'key.pem'), files.tlsKeyFile);
      await harness.logged('certificate read again');
      assert.equal(await harness.sample('flashcast_tls_reload_failures_total'), 0);
    } finally {
      harness.tls!.stop();
    }
  });

  it('reads the files again when no file could be opened at the time of their change', async function () {
    this.timeout(15_000);
    const files = folderWith(FIRST);
    const harness = use(await EdgeHarness.start(files));
    const openFile = fs.openSync;
    const setOpen = (open: typeof fs.openSync): void => {
      fs.openSync = open;
      syncBuiltinESMExports();
    };
    harness.tls!.start();
    try {
      copyFileSync(join(SECOND, 'cert.pem'), files.tlsCertFile);
      copyFileSync(join(SECOND, 'key.pem'), files.tlsKeyFile);
      setOpen(() => {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
      });
      await harness.logged('certificate not read again, serving with the old one');
      setOpen(openFile);
      await harness.logged('certificate read again');
    } finally {
      setOpen(openFile);
      harness.tls!.stop();
    }
  });

  it('does not begin with files that cannot be used', () => {
    for (const [cert, key, problem] of [
      ['missing.pem', 'key.pem', /^TLS_CERT_FILE: the file does not exist$/],
      ['key.pem', 'key.pem', /^TLS_CERT_FILE: expected a certificate chain as PEM$/],
      ['cert.pem', 'cert.pem', /^TLS_KEY_FILE: expected the private key/],
      ['cert.pem', '../../../../ingest/upstream/tls/key.pem', /^TLS_KEY_FILE: expected the private key/],
    ] as const) {
      const start = (): EdgeHarness =>
        new EdgeHarness({ tlsCertFile: join(SECOND, cert), tlsKeyFile: join(SECOND, key) });
      assert.throws(start, (error) => error instanceof SettingsError && problem.test(error.problems.join()));
    }
  });
});
