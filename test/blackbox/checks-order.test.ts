import assert from 'node:assert/strict';
import { RawPeer, upgradeRequest } from '../edge/raw-peer.ts';
import { startOwnRedis } from '../support/blackbox-redis.ts';
import { Knock, LimitsInRedis, eventually, sharesLimits, tally } from '../support/knocks.ts';
import { redisOrigin } from '../support/redis.ts';
import { startEdge, type Server, type Settings } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const KEY = 'a-long-key-of-acme';
const ADDRESS = '203.0.113.5';

describe('black box: the order of checks', function () {
  this.timeout(60_000);
  const use = usesResources();

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });

  async function edgeWith(settings: Settings): Promise<{ edge: Server; inRedis: LimitsInRedis }> {
    const redis = use(await startOwnRedis());
    const edge = await use(await startEdge(redis.url, settings)).ready();
    await sharesLimits(edge);
    return { edge, inRedis: use(new LimitsInRedis(redis.url)) };
  }

  async function answerTo(edge: Server, path: string, headers: readonly string[] = []): Promise<string> {
    const knock = use(await Knock.at(edge.port, path, [`X-Forwarded-For: ${ADDRESS}`, ...headers]));
    return knock.answer;
  }

  async function plainGet(edge: Server, path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${edge.port}${path}`);
    return `${response.status} ${((await response.json()) as { message: string }).message}`;
  }

  it('is route, method, draining, instance limit, key, parameters, rate, address, application', async () => {
    const { edge } = await edgeWith({
      API_KEYS: `acme:${KEY}:1`,
      PER_IP_CONNECTION_LIMIT: '1',
      CONNECT_RATE_PER_IP: '1',
      CONNECT_BURST_PER_IP: '3',
    });
    // Each request is wrong in all that follows, too.
    const wrongKey = '/ws/wrong?encoding=zip';
    const wrongParameter = `/ws/${KEY}?encoding=zip`;

    assert.equal(await plainGet(edge, `/ws/${KEY}/other`), '404 Not found');
    assert.equal(await answerTo(edge, '/ws?encoding=zip'), '404 Not found');
    assert.equal(await plainGet(edge, '/ws'), '404 Not found');
    assert.equal(await plainGet(edge, wrongKey), '426 Expected a WebSocket upgrade');
    assert.equal(await answerTo(edge, wrongKey), '401 Invalid API key');
    assert.equal(await answerTo(edge, wrongParameter), '400 encoding: expected br, identity or text');

    // With one client in, address and application are full: who comes too fast is told that, and the first two are not.
    assert.equal(await answerTo(edge, `/ws/${KEY}`), '101');
    const more = await Promise.all(Array.from({ length: 12 }, () => Knock.from(ADDRESS, edge.port, `/ws/${KEY}`)));
    const { '429 IP limit exceeded': full = 0, '429 Connection rate exceeded': fast = 0 } = tally(more);
    assert.ok(full >= 2 && fast >= 6 && full + fast === 12, JSON.stringify(tally(more)));
    assert.equal(await answerTo(edge, wrongParameter), '400 encoding: expected br, identity or text');
    assert.equal(await answerTo(edge, wrongKey), '401 Invalid API key');
  });

  it('puts the address before the application, the instance before keys and parameters, and draining before all', async () => {
    const { edge } = await edgeWith({
      API_KEYS: `acme:${KEY}:2`,
      INSTANCE_CONNECTION_LIMIT: '3',
      PER_IP_CONNECTION_LIMIT: '2',
      DRAIN_DELAY_MS: '0',
      DRAIN_TIMEOUT_MS: '20000',
    });
    const both = [];
    for (let n = 0; n < 2; n += 1) both.push(use(await Knock.from(ADDRESS, edge.port, `/ws/${KEY}`)));
    assert.deepEqual(tally(both), { 101: 2 });
    assert.equal(await answerTo(edge, `/ws/${KEY}`), '429 IP limit exceeded');
    assert.equal(await answerTo(edge, '/ws/wrong?encoding=zip'), '401 Invalid API key');

    const { edge: full, inRedis } = await edgeWith({
      API_KEYS: `acme:${KEY}`,
      INSTANCE_CONNECTION_LIMIT: '1',
      PER_IP_CONNECTION_LIMIT: '1',
      DRAIN_DELAY_MS: '0',
      DRAIN_TIMEOUT_MS: '20000',
    });
    // It answers no Close, and so holds the drain up while that is looked at.
    const holding = use(await Knock.from(ADDRESS, full.port, `/ws/${KEY}`));
    assert.equal(holding.status, 101);
    assert.equal(await answerTo(full, '/ws/wrong?encoding=zip'), '429 Global limit');
    const before = await inRedis.admissionCommands();
    full.program.signal('SIGTERM');
    await full.program.logged(({ msg }) => msg === 'draining', 'the drain');
    assert.equal(await answerTo(full, '/ws/wrong?encoding=zip'), '503 Draining');
    assert.equal(await answerTo(full, '/nowhere'), '404 Not found');
    assert.equal(await plainGet(full, '/ws/wrong?encoding=zip'), '426 Expected a WebSocket upgrade');
    assert.equal(await inRedis.admissionCommands(), before);
  });

  it('costs Redis nothing in a storm of wrong keys, of wrong parameters, and at a full edge', async () => {
    const { edge, inRedis } = await edgeWith({
      API_KEYS: `acme:${KEY}`,
      INSTANCE_CONNECTION_LIMIT: '5',
      PER_IP_CONNECTION_LIMIT: '10',
      // Renewals are commands, too.
      LEASE_TTL_MS: '600000',
    });
    const storm = (count: number, path: string): Promise<Knock[]> =>
      Promise.all(Array.from({ length: count }, (_, n) => Knock.from(`203.0.113.${n % 20}`, edge.port, path)));
    const before = await inRedis.admissionCommands();
    const wrongKeys = [...(await storm(500, '/ws/wrong')), ...(await storm(500, '/ws/wrong?encoding=zip'))];
    const { '401 Invalid API key': told = 0, '429 Too many invalid API keys': cut = 0 } = tally(wrongKeys);
    assert.equal(told + cut, 1000 - (tally(wrongKeys)['429 Global limit'] ?? 0), JSON.stringify(tally(wrongKeys)));
    assert.ok(told >= 20 * 20 && cut > 0, `${told} were told, ${cut} cut off`);
    for (let n = 0; n < 10; n += 1) await answerTo(edge, `/ws/${KEY}?encoding=zip`);
    assert.equal(await inRedis.admissionCommands(), before);

    const clients = [];
    for (let n = 0; n < 5; n += 1) clients.push(use(await Knock.from(ADDRESS, edge.port, `/ws/${KEY}`)));
    assert.deepEqual(tally(clients), { 101: 5 });
    const admitted = await inRedis.admissionCommands();
    assert.ok(admitted > before, 'admissions are seen');
    assert.deepEqual(tally(await storm(500, `/ws/${KEY}`)), { '429 Global limit': 500 });
    assert.equal(await inRedis.admissionCommands(), admitted);
  });

  it('answers /healthz while silent connections hold every place, and lets clients in', async () => {
    const { edge } = await edgeWith({ MAX_PENDING: '100' });
    const silent = Array.from({ length: 300 }, () => use(new RawPeer(edge.port)));
    await eventually(
      async () => silent.filter(({ closed }) => closed).length >= 200 && Promise.resolve(true),
      '200 to go',
    );
    for (let round = 0; round < 5; round += 1) {
      assert.equal((await fetch(`http://127.0.0.1:${edge.port}/healthz`)).status, 200);
      const knock = use(await Knock.from(ADDRESS, edge.port));
      assert.equal(knock.status, 101);
    }
    assert.ok((await edge.metric('flashcast_admissions_total', 'result="pending_limit"')) >= 200);
  });

  it('cuts half-open and slow connections off at HANDSHAKE_TIMEOUT_MS', async () => {
    const { edge } = await edgeWith({ HANDSHAKE_TIMEOUT_MS: '300' });
    const peers = Array.from({ length: 50 }, () => use(new RawPeer(edge.port)));
    for (const [n, peer] of peers.entries()) peer.socket.write(upgradeRequest().slice(0, n * 2));
    await Promise.all(peers.map((peer) => peer.end()));
    assert.ok(peers.every(({ status }) => status === 408));
    assert.equal(await edge.metric('flashcast_admissions_total', 'result="handshake_timeout"'), 50);
  });
});
