import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOwnRedis } from '../support/blackbox-redis.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { Knock, eventually, tally } from '../support/knocks.ts';
import { Program } from '../support/program.ts';
import { redisOrigin } from '../support/redis.ts';
import { startEdge, type Server } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const [ACME, PARTNER, LATER, SETTING] = [
  'acme-0123456789abcdef',
  'partner-0123456789abcdef',
  'later-0123456789abcdef',
  'set-0123456789abcdef',
];
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex');
const line = (application: string, key: string, more = ''): string => `${application} sha256:${hashOf(key)} ${more}\n`;

describe('black box: keys', function () {
  this.timeout(60_000);
  const use = usesResources();

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });

  /** A key file that is replaced as an editor or an orchestrator does it. */
  function keyFile(text: string): { path: string; replace: (text: string) => void } {
    const folder = mkdtempSync(join(tmpdir(), 'flashcast-keys-'));
    use({
      [Symbol.asyncDispose]: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
    const path = join(folder, 'keys');
    const replace = (content: string): void => {
      writeFileSync(`${path}.new`, content);
      renameSync(`${path}.new`, path);
    };
    replace(text);
    return { path, replace };
  }

  async function edges(count: number, settings: Record<string, string>): Promise<Server[]> {
    const redis = use(await startOwnRedis());
    const started = await Promise.all(Array.from({ length: count }, () => startEdge(redis.url, settings)));
    started.forEach(use);
    await Promise.all(started.map((edge) => edge.ready()));
    return started;
  }

  /** Clients of a key at an edge. */
  async function clientsOf(edge: Server, key: string, clients = 5): Promise<ClientSwarm> {
    return use(await ClientSwarm.connect({ port: edge.port, clients, path: `/ws/${key}` }));
  }

  it('that are revoked end their connections on every edge within 5 s, with 1008, and no others', async () => {
    const file = keyFile(line('acme', ACME) + line('partner', PARTNER));
    const fleet = await edges(3, { API_KEYS_FILE: file.path, API_KEYS: `ops:${SETTING}` });
    const revoked = await Promise.all(fleet.map((edge) => clientsOf(edge, ACME)));
    const kept = [
      ...(await Promise.all(fleet.map((edge) => clientsOf(edge, PARTNER)))),
      ...(await Promise.all(fleet.map((edge) => clientsOf(edge, SETTING)))),
    ];
    file.replace(line('partner', PARTNER) + line('newcomer', LATER));
    const changedAt = performance.now();
    await Promise.all(
      revoked.map((swarm) => swarm.changes.until(() => swarm.clients.every(({ closed }) => closed), 'the end of all')),
    );
    const tookMs = performance.now() - changedAt;
    assert.ok(tookMs < 5000, `took ${Math.round(tookMs)} ms`);
    for (const { closeCode, closeReason } of revoked.flatMap(({ clients }) => clients))
      assert.deepEqual([closeCode, closeReason], [1008, 'API key revoked']);
    assert.ok(kept.flatMap(({ clients }) => clients).every(({ closed }) => !closed));
    for (const edge of fleet) {
      // A connection counts when it is gone, which the other side may know first.
      const counted = (): Promise<number> => edge.metric('flashcast_client_disconnects_total', 'reason="key_revoked"');
      await eventually(async () => (await counted()) === 5, 'the five that are counted');
      assert.equal(use(await Knock.at(edge.port, `/ws/${ACME}`)).answer, '401 Invalid API key');
      assert.equal(use(await Knock.at(edge.port, '/ws', [`X-API-Key: ${LATER}`])).status, 101);
    }
  });

  it('that expire end their connections, too', async () => {
    const file = keyFile(line('acme', ACME) + line('acme', PARTNER));
    const [edge] = await edges(1, { API_KEYS_FILE: file.path });
    const [expiring, other] = [await clientsOf(edge!, ACME, 2), await clientsOf(edge!, PARTNER, 2)];
    const expires = new Date(Date.now() + 1000).toISOString();
    file.replace(line('acme', ACME, `expires=${expires}`) + line('acme', PARTNER));
    await expiring.changes.until(() => expiring.clients.every(({ closed }) => closed), 'the end of both');
    assert.deepEqual(
      expiring.clients.map(({ closeReason }) => closeReason),
      ['API key expired', 'API key expired'],
    );
    assert.ok(other.clients.every(({ closed }) => !closed));
  });

  it('are read at once on SIGHUP, and a broken file keeps those from before', async () => {
    const file = keyFile(line('acme', ACME));
    const [edge] = await edges(1, { API_KEYS_FILE: file.path });
    file.replace('acme sha256:what\n');
    edge!.program.signal('SIGHUP');
    await edge!.program.logged(({ line: at }) => at === 1, 'the refused file');
    assert.equal(use(await Knock.at(edge!.port, `/ws/${ACME}`)).status, 101);
    assert.ok((await edge!.metric('flashcast_api_keys_reload_failures_total')) >= 1);
    file.replace(line('acme', ACME) + line('partner', PARTNER));
    edge!.program.signal('SIGHUP');
    await eventually(async () => (await edge!.metric('flashcast_api_keys_loaded')) === 2, 'both keys');
    assert.equal(use(await Knock.at(edge!.port, `/ws/${PARTNER}`)).status, 101);
  });

  it('decide as the reference does which routes there are', async () => {
    const [keyed, open, plain] = [
      ...(await edges(1, { API_KEYS: `acme:${ACME}` })),
      ...(await edges(1, { API_KEYS: `acme:${ACME}`, PUBLIC_ACCESS_ENABLED: 'true' })),
      ...(await edges(1, {})),
    ];
    const expected: Readonly<Record<string, readonly string[]>> = {
      '/ws': ['404 Not found', '101', '101'],
      [`/ws/${ACME}`]: ['101', '101', '404 Not found'],
      '/ws/wrong': ['401 Invalid API key', '401 Invalid API key', '404 Not found'],
      '/ws/filter': ['404 Not found', '101', '101'],
      [`/ws/${ACME}/filter`]: ['101', '101', '404 Not found'],
      '/ws/filter/filter': ['401 Invalid API key', '401 Invalid API key', '404 Not found'],
    };
    for (const [path, answers] of Object.entries(expected)) {
      const knocks = await Promise.all(
        [keyed!, open!, plain!].map(async ({ port }) => use(await Knock.at(port, path))),
      );
      assert.deepEqual(
        knocks.map(({ answer }) => answer),
        answers,
        path,
      );
    }
    for (const header of [`X-API-Key: ${ACME}`, `Authorization: Bearer ${ACME}`]) {
      const knocks = await Promise.all(
        [keyed!, open!, plain!].map(async ({ port }) => use(await Knock.at(port, '/ws', [header]))),
      );
      assert.deepEqual(tally(knocks), { 101: 3 }, header);
    }
  });

  it('show in no log line, no metric and no page, nor do their hashes', async () => {
    const file = keyFile(line('acme', ACME));
    const [edge] = await edges(1, { API_KEYS_FILE: file.path, API_KEYS: `ops:${SETTING}`, LOG_LEVEL: 'trace' });
    const client = await clientsOf(edge!, ACME, 1);
    for (const path of [`/ws/${SETTING}`, `/ws/${PARTNER}`, `/ws/${ACME}/x`, `/ws/${ACME}?encoding=${LATER}`])
      use(await Knock.at(edge!.port, path));
    use(await Knock.at(edge!.port, '/ws', [`X-API-Key: ${PARTNER}`]));
    const pages = await Promise.all(['/metrics', '/status.json', '/readyz'].map((path) => edge!.page(path)));
    file.replace(line('other', LATER));
    edge!.program.signal('SIGHUP');
    await client.changes.until(() => client.clients.every(({ closed }) => closed), 'the end');
    file.replace(`acme ${ACME}\n`);
    edge!.program.signal('SIGHUP');
    await edge!.program.logged(({ line: at }) => at === 1, 'the refused file');
    await edge!.program.stop();
    const said = [edge!.program.stdout, edge!.program.stderr, ...pages].join('\n');
    assert.ok(said.includes('client connected'));
    for (const key of [ACME, PARTNER, LATER, SETTING]) {
      for (const secret of [key, hashOf(key), hashOf(key).slice(0, 12)]) assert.ok(!said.includes(secret), secret);
    }
  });

  it('that cannot be read end the start with status 2 and the setting', async () => {
    const file = keyFile('acme sha256:what\n');
    for (const [path, problem] of [
      [file.path, /API_KEYS_FILE: line 1/],
      [`${file.path}.missing`, /API_KEYS_FILE: the file ".+" does not exist/],
    ] as const) {
      const { code, stderr } = await Program.run(['edge'], { REDIS_URL: 'redis://127.0.0.1:1', API_KEYS_FILE: path });
      assert.equal(code, 2);
      assert.match(stderr, problem);
      assert.doesNotMatch(stderr, /what|\bat /);
    }
  });
});
