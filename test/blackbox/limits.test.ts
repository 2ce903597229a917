import assert from 'node:assert/strict';
import { once } from 'node:events';
import { RawPeer, upgradeRequest } from '../edge/raw-peer.ts';
import { startOwnRedis } from '../support/blackbox-redis.ts';
import { Knock, LimitsInRedis, closeAll, eventually, sharesLimits, tally } from '../support/knocks.ts';
import { redisOrigin } from '../support/redis.ts';
import { startEdge, startProxy, type Server, type Settings } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const LIMIT = 10;
const AT_ONCE = 500;
const ROUNDS = 20;
const TEN: Settings = { PER_IP_CONNECTION_LIMIT: String(LIMIT) };

describe('black box: limits', function () {
  this.timeout(120_000);
  const use = usesResources();

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });

  async function edges(count: number, redisUrl: string, settings: Settings = TEN): Promise<Server[]> {
    const started = await Promise.all(Array.from({ length: count }, () => startEdge(redisUrl, settings)));
    started.forEach(use);
    await Promise.all(started.map((edge) => edge.ready()));
    await Promise.all(started.map((edge) => sharesLimits(edge)));
    return started;
  }

  /** As many clients as there are headers, at all edges in turn, at once. */
  function atOnce(
    servers: readonly Server[],
    count: number,
    knock: (port: number, n: number) => Promise<Knock>,
  ): Promise<Knock[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => knock(servers[n % servers.length]!.port, n)));
  }

  it(`lets exactly ${LIMIT} of ${AT_ONCE} in that come at once from one address to three edges, ${ROUNDS} times`, async () => {
    const redis = use(await startOwnRedis());
    const inRedis = use(new LimitsInRedis(redis.url));
    const fleet = await edges(3, redis.url);
    for (let round = 0; round < ROUNDS; round += 1) {
      const knocks = await atOnce(fleet, AT_ONCE, (port) => Knock.from('203.0.113.5', port));
      assert.deepEqual(tally(knocks), { 101: LIMIT, '429 IP limit exceeded': AT_ONCE - LIMIT }, `round ${round}`);
      assert.equal(await inRedis.leases(), LIMIT);
      await closeAll(knocks);
      await inRedis.empty();
    }
    for (const edge of fleet) assert.equal(await edge.metric('websocket_proxy_active_connections'), 0);
  });

  it(`lets exactly ${LIMIT} of ${AT_ONCE} in that come at once with one application's key from ${AT_ONCE} addresses, ${ROUNDS} times`, async () => {
    const redis = use(await startOwnRedis());
    const inRedis = use(new LimitsInRedis(redis.url));
    const fleet = await edges(3, redis.url, {
      ...TEN,
      API_KEYS: `acme:a-long-key-of-acme:${LIMIT},other:a-long-key-of-other`,
    });
    for (let round = 0; round < ROUNDS; round += 1) {
      const knocks = await atOnce(fleet, AT_ONCE, (port, n) =>
        Knock.from(`203.0.${n >> 8}.${n & 255}`, port, '/ws/a-long-key-of-acme'),
      );
      assert.deepEqual(tally(knocks), { 101: LIMIT, '429 Application limit exceeded': AT_ONCE - LIMIT });
      const others = await atOnce(fleet, 20, (port, n) =>
        Knock.from(`198.51.100.${n}`, port, '/ws/a-long-key-of-other'),
      );
      assert.deepEqual(tally(others), { 101: 20 });
      const byApp = await Promise.all(
        fleet.map((edge) => edge.metric('websocket_proxy_connections_by_app', 'app="acme"')),
      );
      assert.equal(
        byApp.reduce((sum, value) => sum + value),
        LIMIT,
      );
      await closeAll([...knocks, ...others]);
      await inRedis.empty();
    }
  });

  it('frees the places of an edge that was killed within LEASE_TTL_MS and a second', async () => {
    const ttlMs = 2000;
    const redis = use(await startOwnRedis());
    const [first, second] = await edges(2, redis.url, { ...TEN, LEASE_TTL_MS: String(ttlMs) });
    const knocks = await atOnce([first!], LIMIT, (port) => Knock.from('203.0.113.5', port));
    assert.deepEqual(tally(knocks), { 101: LIMIT });
    const refused = use(await Knock.from('203.0.113.5', second!.port));
    assert.equal(refused.answer, '429 IP limit exceeded');
    assert.match(refused.peer.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
    first!.program.signal('SIGKILL');
    const killedAt = performance.now();
    await eventually(async () => {
      const knock = use(await Knock.from('203.0.113.5', second!.port));
      return knock.status === 101;
    }, 'a place of the killed edge');
    const tookMs = performance.now() - killedAt;
    assert.ok(tookMs < ttlMs + 1000, `took ${Math.round(tookMs)} ms`);
    await closeAll(knocks);
  });

  it('counts IPv6 clients of one /64 as one, and IPv4-mapped ones as IPv4', async () => {
    const redis = use(await startOwnRedis());
    const fleet = await edges(2, redis.url);
    const oneNetwork = await atOnce(fleet, 15, (port, n) => Knock.from(`2001:db8::${n.toString(16)}:1`, port));
    const others = await atOnce(fleet, 15, (port, n) =>
      Knock.from(`[2001:db8:0:${(n + 1).toString(16)}::1]:443`, port),
    );
    const mapped = await atOnce(fleet, 15, (port, n) =>
      Knock.from(n % 2 === 0 ? '203.0.113.5' : '::ffff:203.0.113.5', port),
    );
    assert.deepEqual(tally(oneNetwork), { 101: LIMIT, '429 IP limit exceeded': 5 });
    assert.deepEqual(tally(others), { 101: 15 });
    assert.deepEqual(tally(mapped), { 101: LIMIT, '429 IP limit exceeded': 5 });
    await closeAll([...oneNetwork, ...others, ...mapped]);
  });

  it('believes an address header of trusted proxies only, along a chain of them', async () => {
    const redis = use(await startOwnRedis());
    const [edge] = await edges(1, redis.url, { ...TEN, TRUSTED_PROXIES: 'loopback,192.0.2.0/24' });
    const chain = await atOnce([edge!], 15, (port, n) =>
      Knock.at(port, '/ws', [`X-Forwarded-For: 6.6.6.${n}, 198.51.100.1`, `X-Forwarded-For: 192.0.2.${n}`]),
    );
    assert.deepEqual(tally(chain), { 101: LIMIT, '429 IP limit exceeded': 5 });
    const [wary] = await edges(1, redis.url, { ...TEN, TRUSTED_PROXIES: 'none', REDIS_KEY_PREFIX: 'wary' });
    const forged = await atOnce([wary!], 15, (port, n) => Knock.from(`6.6.6.${n}`, port));
    assert.deepEqual(tally(forged), { 101: LIMIT, '429 IP limit exceeded': 5 });
    await closeAll([...chain, ...forged]);
  });

  it('holds how fast an address connects, and says when to come again', async () => {
    const redis = use(await startOwnRedis());
    const fleet = await edges(2, redis.url, {
      PER_IP_CONNECTION_LIMIT: '0',
      CONNECT_RATE_PER_IP: '1',
      CONNECT_BURST_PER_IP: '5',
    });
    const knocks = await atOnce(fleet, 30, (port) => Knock.from('203.0.113.5', port));
    const { 101: admitted = 0, '429 Connection rate exceeded': refused = 0 } = tally(knocks);
    assert.ok(admitted >= 5 && admitted <= 7 && admitted + refused === 30, JSON.stringify(tally(knocks)));
    for (const { status, peer } of knocks)
      if (status === 429) assert.match(peer.headers.get('retry-after') ?? '', /^[1-9]$/);
    await closeAll(knocks);
  });

  for (const [mode, expected] of [
    ['local', { 101: LIMIT, '429 IP limit exceeded': 10 }],
    ['open', { 101: 20 }],
    ['closed', { '503 Limits unavailable': 20 }],
  ] as const) {
    it(`holds by LIMIT_FAIL_MODE ${mode} while Redis is silent or gone, and is exact again afterwards`, async () => {
      const redis = use(await startOwnRedis());
      const inRedis = use(new LimitsInRedis(redis.url));
      const [first, second] = await edges(2, redis.url, { ...TEN, LIMIT_FAIL_MODE: mode, LEASE_TTL_MS: '1500' });
      await redis.pause();
      // The edge learns it from the first that waits; nobody waits longer than LIMIT_TIMEOUT_MS for an answer.
      const during = await atOnce([first!], 20, (port) => Knock.from('203.0.113.5', port));
      assert.deepEqual(tally(during), expected);
      const slowestMs = Math.max(...during.map(({ tookMs }) => tookMs));
      assert.ok(slowestMs < 1000, `the slowest waited ${Math.round(slowestMs)} ms`);
      await redis.resume();
      await redis.restart();
      await Promise.all([sharesLimits(first!), sharesLimits(second!)]);
      const held = during.filter(({ status }) => status === 101).length;
      await eventually(async () => (await inRedis.leases()) === held, `${held} leases`);
      const after = await atOnce([second!], 12, (port) => Knock.from('203.0.113.5', port));
      assert.equal(tally(after)[101] ?? 0, Math.max(LIMIT - held, 0));
      await closeAll([...during, ...after]);
      await inRedis.empty();
    });
  }

  it('leave nothing behind of 2,000 clients that break off at any moment of their handshake', async () => {
    const redis = use(await startOwnRedis());
    const inRedis = use(new LimitsInRedis(redis.url));
    const [edge] = await edges(1, redis.url, { ...TEN, PER_IP_CONNECTION_LIMIT: '5000' });
    for (let round = 0; round < 20; round += 1) {
      const pending = atOnce([edge!], 100, (port) => Knock.from('203.0.113.5', port));
      const aborted = await abortedKnocks(edge!.port, 100, round);
      assert.equal(aborted, 100);
      await closeAll(await pending);
    }
    await inRedis.empty();
    await eventually(async () => (await edge!.metric('websocket_proxy_active_connections')) === 0, 'no client left');
  });

  it('hold in a proxy without Redis, and are shared by proxies with one', async () => {
    const alone = use(await startProxy(['ws://127.0.0.1:1'], TEN));
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${alone.port}/healthz`).catch(() => undefined))?.status === 200,
      'a proxy',
    );
    const local = await atOnce([alone], 20, (port) => Knock.from('203.0.113.5', port));
    assert.deepEqual(tally(local), { 101: LIMIT, '429 IP limit exceeded': 10 });

    const redis = use(await startOwnRedis());
    const settings = { ...TEN, REDIS_URL: redis.url };
    const pair = [
      use(await startProxy(['ws://127.0.0.1:1'], settings)),
      use(await startProxy(['ws://127.0.0.1:1'], settings)),
    ];
    for (const { program } of pair) await program.logged(({ msg }) => msg === 'listening for clients', 'a proxy');
    await Promise.all(pair.map((proxy) => sharesLimits(proxy)));
    const shared = await atOnce(pair, 20, (port) => Knock.from('203.0.113.5', port));
    assert.deepEqual(tally(shared), { 101: LIMIT, '429 IP limit exceeded': 10 });
    await closeAll([...local, ...shared]);
  });
});

/** Clients that reset their connection right behind their request, each a little later than the one before. */
async function abortedKnocks(port: number, count: number, round: number): Promise<number> {
  const peers = Array.from({ length: count }, () => new RawPeer(port));
  await Promise.all(
    peers.map(async (peer, n) => {
      await once(peer.socket, 'connect');
      peer.socket.write(upgradeRequest('/ws', ['X-Forwarded-For: 203.0.113.5']));
      for (let turn = 0; turn < (n + round) % 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      peer.socket.resetAndDestroy();
      await peer.end();
    }),
  );
  return peers.length;
}
