import assert from 'node:assert/strict';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { freePort } from '../support/program.ts';
import { startEdge, startIngest, startProxy, type Server } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

/** One for each place in which a secret may stand, so that a find tells where it came from. */
const SECRETS = {
  user: 'sEcretUser1',
  password: 'sEcretPass2',
  pathKey: 'sEcretPath3',
  queryToken: 'sEcretQuery4',
  redisPassword: 'sEcretRedis5',
  clientKey: 'sEcretClient6',
  clientHeader: 'sEcretHeader7',
  clientQuery: 'sEcretParam8',
  clientAgent: 'sEcretAgent9',
};

async function expectNoSecret(server: Server): Promise<void> {
  const pages = await Promise.all(
    ['/metrics', '/status.json', '/readyz', '/nothing-here'].map((path) => server.page(path)),
  );
  const { code } = await server.program.stop();
  assert.equal(code, 0);
  const said = [server.program.stdout, server.program.stderr, ...pages].join('\n');
  for (const [place, secret] of Object.entries(SECRETS)) {
    const forms = [secret, Buffer.from(`${SECRETS.user}:${secret}`).toString('base64')];
    for (const form of forms)
      assert.ok(!said.includes(form), `the ${place} is in the output:\n${lineWith(said, form)}`);
  }
  assert.ok(!/wss?:\/\/127/.test(said), `a URI is in the output:\n${lineWith(said, '://127')}`);
}

function lineWith(text: string, part: string): string {
  return text.split('\n').find((line) => line.includes(part)) ?? '';
}

describe('black box: no URI, key or password in any log line or metric', function () {
  this.timeout(30_000);
  const use = usesResources();

  function secretUrl(port: number): string {
    const { user, password, pathKey, queryToken } = SECRETS;
    return `ws://${user}:${password}@127.0.0.1:${port}/ws/${pathKey}?token=${queryToken}`;
  }

  it('of a proxy whose upstreams work, refuse, drop and are absent, and whose clients show keys', async () => {
    const good = use(await TestBuilder.start());
    const refusing = use(await TestBuilder.start({ reception: 401 }));
    const dropping = use(await TestBuilder.start({ reception: 'accept-and-drop' }));
    const urls = [good.port, refusing.port, dropping.port, await freePort()].map(secretUrl);
    const proxy = use(await startProxy(urls, { LOG_LEVEL: 'trace' }));
    await proxy.ready();
    const [connection] = await good.connected();
    const expected = `Basic ${Buffer.from(`${SECRETS.user}:${SECRETS.password}`).toString('base64')}`;
    assert.equal(connection!.attempt.headers.authorization, expected);
    assert.equal(connection!.attempt.url, `/ws/${SECRETS.pathKey}?token=${SECRETS.queryToken}`);
    const headers = { authorization: `Bearer ${SECRETS.clientHeader}`, 'user-agent': SECRETS.clientAgent };
    const swarm = use(
      await ClientSwarm.connect({ port: proxy.port, clients: 1, path: `/ws?x=${SECRETS.clientQuery}`, headers }),
    );
    await swarm.add({ port: proxy.port, clients: 1, path: `/ws/${SECRETS.clientKey}`, headers });
    await swarm.add({ port: proxy.port, clients: 1, path: `/ws?encoding=${SECRETS.clientQuery}`, headers });
    connection!.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
    connection!.sendText(`{"payload_id":"${SECRETS.queryToken}"}`);
    await swarm.received(2, [swarm.clients[0]!]);
    await Promise.all([refusing.attempted(2), dropping.attempted(2)]);
    await expectNoSecret(proxy);
  });

  it('of an ingest and an edge whose Redis is absent', async () => {
    const redisUrl = `redis://${SECRETS.user}:${SECRETS.redisPassword}@127.0.0.1:${await freePort()}/0`;
    const builder = use(await TestBuilder.start());
    const ingest = use(await startIngest([secretUrl(builder.port)], redisUrl, { LOG_LEVEL: 'trace' }));
    const edge = use(await startEdge(redisUrl, { LOG_LEVEL: 'trace' }));
    for (const { program } of [ingest, edge])
      await program.changes.until(() => program.stdout.includes('edis'), 'a word about Redis');
    await Promise.all([expectNoSecret(ingest), expectNoSecret(edge)]);
  });

  it('of programs whose settings are wrong', async () => {
    const wrong = use(
      await startProxy([`http://${SECRETS.user}:${SECRETS.password}@127.0.0.1/${SECRETS.pathKey}`], {
        API_KEYS: `app:${SECRETS.clientKey}:many`,
        REDIS_URL: `ftp://:${SECRETS.redisPassword}@127.0.0.1`,
      }),
    );
    assert.deepEqual(await wrong.program.exit, { code: 2, signal: null });
    const said = wrong.program.stdout + wrong.program.stderr;
    assert.match(said, /UPSTREAM_WS/);
    for (const secret of Object.values(SECRETS)) assert.ok(!said.includes(secret), said);
  });
});
