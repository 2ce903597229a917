import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { TestBuilder } from '../support/builder.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { Program } from '../support/program.ts';
import { startProxy } from '../support/stack.ts';
import { Changes } from '../support/changes.ts';
import { usesResources } from '../support/use.ts';

const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const FIRST = beside('../ingest/upstream/tls');
const SECOND = beside('../edge/front/accept/tls');

describe('black box: TLS', function () {
  this.timeout(30_000);
  const use = usesResources();

  it('carries the stream, and a renewed certificate is served on SIGHUP while clients stay', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flashcast-tls-'));
    use({
      [Symbol.asyncDispose]: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
    const install = (pair: string): void => {
      for (const name of ['cert.pem', 'key.pem']) copyFileSync(join(pair, name), join(folder, name));
    };
    const ca = [FIRST, SECOND].map((pair) => readFileSync(join(pair, 'cert.pem'), 'utf8'));
    install(FIRST);
    const builder = use(await TestBuilder.start());
    const proxy = use(
      await startProxy([builder.url], {
        TLS_CERT_FILE: join(folder, 'cert.pem'),
        TLS_KEY_FILE: join(folder, 'key.pem'),
      }),
    );
    await proxy.ready();
    const changes = new Changes();
    let messages = 0;
    const client = new WebSocket(`wss://127.0.0.1:${proxy.port}/ws`, { ca });
    use({
      [Symbol.asyncDispose]: () => {
        client.terminate();
        return Promise.resolve();
      },
    });
    client.on('message', () => {
      messages += 1;
      changes.notify();
    });
    await once(client, 'open');
    const stream = use(new PacedStream(builder, 50));
    await changes.until(() => messages >= 5, 'five messages');

    const served = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port: proxy.port, ca });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await served();
    install(SECOND);
    proxy.program.signal('SIGHUP');
    await proxy.program.logged(({ msg }) => msg === 'certificate read again', 'the new certificate');
    assert.notEqual(await served(), before);
    const until = messages + 5;
    await changes.until(() => messages >= until, 'more messages on the old connection');
    stream.stop();
  });

  it('that cannot be had ends the start with status 2', async () => {
    const { code, stderr } = await Program.run(['proxy', '--demo'], {
      TLS_CERT_FILE: join(FIRST, 'cert.pem'),
      TLS_KEY_FILE: join(SECOND, 'key.pem'),
    });
    assert.equal(code, 2);
    assert.match(stderr, /TLS_KEY_FILE: expected the private key of TLS_CERT_FILE/);
  });
});
