import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { redisOrigin, startRedisServer, type RedisServer } from '../../../support/redis.ts';

const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));
/** Certificate of 127.0.0.1, signed by itself. */
const CERTIFICATE = beside('../../../ingest/upstream/tls/cert.pem');
const KEY = beside('../../../ingest/upstream/tls/key.pem');

describe('a backplane whose Redis speaks TLS', function () {
  this.timeout(30_000);
  let redis: RedisServer;
  let tls: Server;

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
    redis = await startRedisServer();
    tls = createServer({ cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) }, (client) => {
      const server = connect(redis.port, '127.0.0.1');
      client.on('error', () => server.destroy());
      server.on('error', () => client.destroy());
      client.pipe(server).pipe(client);
    });
    tls.on('tlsClientError', () => undefined);
    await once(tls.listen(0, '127.0.0.1'), 'listening');
  });
  after(async () => {
    (tls as Server | undefined)?.close();
    await (redis as RedisServer | undefined)?.stop();
  });

  const url = () => `rediss://127.0.0.1:${(tls.address() as AddressInfo).port}`;

  it('refuses a certificate that nobody vouches for', async () => {
    const harness = new RedisHarness(redis.url);
    await harness.through(url()).publisher().start();
    while (!harness.logs.text.includes('DEPTH_ZERO_SELF_SIGNED_CERT')) await once(harness.logs.events, 'line');
    assert.doesNotMatch(harness.logs.text, /is available/);
    await harness.close();
  });

  it('works with a certificate that the process trusts', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'ts-blank-space/register', beside('./tls-worker.mjs'), url()],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: CERTIFICATE } },
    );
    assert.equal(stdout, '[1]');
  });
});
