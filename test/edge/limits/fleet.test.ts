import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Redis } from 'ioredis';
import { createLimitClock } from '../../../edge/limits/clock.ts';
import type { Lease, LimitRequest, LimitVerdict } from '../../../edge/limits/connection-limits.ts';
import { SharedLimits, type SharedLimitSettings } from '../../../edge/limits/shared-limits.ts';
import { limitKeys } from '../../../shared/backplane/redis/keys.ts';
import { createRedisLeaseStore } from '../../../shared/limits/redis-lease-store.ts';
import { createLimitMetrics } from '../../../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../../../shared/metrics/redis-metrics.ts';
import { Changes } from '../../support/changes.ts';
import { RedisRelay } from '../../support/redis-relay.ts';
import {
  RedisCluster,
  RedisSentinel,
  openRedis,
  redisOrigin,
  startRedisServer,
  uniquePrefix,
  type SharedRedis,
} from '../../support/redis.ts';

/** Shorter than any test is long, and long enough for a machine that is busy to renew in time. */
const TTL_MS = 2000;

const IP: LimitRequest = { address: '192.0.2.1' };

/** An edge's limits on a Redis. */
class Member {
  readonly limits: SharedLimits;
  readonly leases = new Set<Lease>();
  readonly messages: string[] = [];
  /** Notified with each line of the log. */
  readonly changes = new Changes();
  readonly #redis: ReturnType<typeof createRedisLeaseStore>;

  constructor(redisUrl: string, redisKeyPrefix: string, settings: Partial<SharedLimitSettings> = {}) {
    const registry = new Registry();
    const log = pino(
      { base: null },
      {
        write: (line: string) => {
          this.messages.push((JSON.parse(line) as { msg: string }).msg);
          this.changes.notify();
        },
      },
    );
    const merged = {
      edgeId: 'edge',
      perIpConnectionLimit: 10,
      connectRatePerIp: 0,
      connectBurstPerIp: 50,
      ipv6Prefix: 64,
      leaseTtlMs: TTL_MS,
      // A test's machine may be slow; what is late is tested with a clock of its own.
      limitTimeoutMs: 5000,
      limitFailMode: 'local',
      ...settings,
    } as const;
    this.#redis = createRedisLeaseStore(
      { ...merged, redisUrl, redisKeyPrefix },
      { log, metrics: createRedisMetrics(registry) },
    );
    this.limits = new SharedLimits(merged, {
      store: this.#redis,
      clock: createLimitClock(),
      metrics: createLimitMetrics(registry),
      log,
    });
  }

  async admit(request: LimitRequest): Promise<LimitVerdict> {
    const verdict = await this.limits.admit(request);
    if (verdict.admitted) this.leases.add(verdict.lease);
    return verdict;
  }

  releaseAll(): void {
    for (const lease of this.leases) this.limits.release(lease);
    this.leases.clear();
  }

  /** Resolves when the bookkeeping holds no more than this. */
  async settled(size: number): Promise<void> {
    while (this.limits.sizes.book > size) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves when the log has a line as often. */
  async said(message: string, times = 1): Promise<void> {
    await this.changes.until(() => this.messages.filter((text) => text.includes(message)).length >= times, message);
  }

  /** Dies: nothing is released, and nothing is renewed. */
  kill(): void {
    this.#redis.stop();
  }
}

describe('limits that edges share', function () {
  this.timeout(60_000);
  let redis: SharedRedis;
  let client: Redis;
  let prefix: string;
  const members: Member[] = [];

  before(async () => {
    redis = await openRedis();
    client = new Redis(redis.url);
  });
  beforeEach(() => (prefix = uniquePrefix()));
  afterEach(async () => {
    for (const { limits } of members.splice(0)) await limits.stop();
  });
  after(async () => {
    client.disconnect();
    await redis.close();
  });

  const start = async (settings: Partial<SharedLimitSettings> = {}, url = redis.url): Promise<Member> => {
    const member = new Member(url, prefix, settings);
    members.push(member);
    await member.limits.start();
    return member;
  };
  const startMany = (count: number, settings?: Partial<SharedLimitSettings>) =>
    Promise.all(Array.from({ length: count }, () => start(settings)));
  const leasesOf = (address: string) => client.zcard(limitKeys(prefix).addressLeases(address));
  const keysLeft = () => client.keys(`${prefix}:*`);

  for (const [what, request, by, settings] of [
    ['an address', IP, 'ip', {}],
    [
      'an application',
      { address: '192.0.2.1', application: 'wallet: ~{}', applicationLimit: 10 },
      'application',
      { perIpConnectionLimit: 0 },
    ],
  ] as const) {
    it(`let in exactly ten of 500 who come to three edges at once from ${what}, at each of 20 times`, async () => {
      const edges = await startMany(3, settings);
      for (let repeat = 0; repeat < 20; repeat += 1) {
        const verdicts = await Promise.all(Array.from({ length: 500 }, (_, at) => edges[at % 3]!.admit(request)));
        const refused = verdicts.filter((verdict) => !verdict.admitted);
        assert.equal(refused.length, 490);
        assert.ok(refused.every((verdict) => verdict.by === by));
        for (const edge of edges) edge.releaseAll();
        for (const edge of edges) await edge.settled(0);
        assert.deepEqual(await keysLeft(), []);
      }
    });
  }

  it('let a whole burst in, and after it as many as the rate allows, for all edges together', async () => {
    const [first, second] = await startMany(2, { perIpConnectionLimit: 0, connectRatePerIp: 1, connectBurstPerIp: 20 });
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? first! : second!).admit(IP)),
    );
    const refused = verdicts.filter((verdict) => !verdict.admitted);
    // One more where the second ended meanwhile.
    assert.ok(refused.length === 40 || refused.length === 39, String(refused.length));
    for (const verdict of refused) {
      assert.ok(verdict.by === 'rate');
      assert.ok(verdict.retryAfterMs > 0 && verdict.retryAfterMs <= 1000);
    }
  });

  it('count IPv6 clients of one network together, and no two networks', async () => {
    const edge = await start({ perIpConnectionLimit: 2 });
    const results = [];
    for (const address of ['2001:db8::1', '2001:db8::ffff:1', '2001:db8:0:0:9::', '2001:db8:0:1::1'])
      results.push((await edge.admit({ address })).admitted);
    assert.deepEqual(results, [true, true, false, true]);
    assert.equal(await leasesOf('2001:db8::/64'), 2);
  });

  it('free the leases of a process that died when they expire, and not before', async () => {
    const [dead, alive] = await startMany(2);
    for (let count = 0; count < 10; count += 1) assert.ok((await dead!.admit(IP)).admitted);
    const diedAt = performance.now();
    dead!.kill();
    assert.ok(!(await alive!.admit(IP)).admitted);
    while (!(await alive!.admit(IP)).admitted) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(performance.now() - diedAt < TTL_MS + 1000);
  });

  it('hold what is renewed for longer than a lease lasts', async () => {
    const edge = await start({ leaseTtlMs: 300 });
    for (let count = 0; count < 10; count += 1) await edge.admit(IP);
    const key = limitKeys(prefix).addressLeases('192.0.2.1');
    const [lease] = edge.leases;
    const expiry = async () => Number(await client.zscore(key, lease!.member));
    const first = await expiry();
    while ((await expiry()) < first + 600) assert.equal(await client.zcard(key), 10);
    assert.ok(!(await edge.admit(IP)).admitted);
  });

  it('give everything back when a process stops', async () => {
    const edge = await start();
    for (let count = 0; count < 10; count += 1) await edge.admit(IP);
    const onTheWay = Array.from({ length: 20 }, (_, at) => edge.limits.admit({ address: `192.0.2.${at + 2}` }));
    await edge.limits.stop();
    await edge.limits.stop();
    assert.ok((await Promise.all(onTheWay)).every(({ admitted }) => !admitted));
    assert.deepEqual(await keysLeft(), []);
  });

  it('remember nothing of 10,000 who come and go', async () => {
    const edge = await start({ perIpConnectionLimit: 3 });
    for (let batch = 0; batch < 10; batch += 1) {
      await Promise.all(Array.from({ length: 1000 }, (_, at) => edge.admit({ address: `10.0.${batch}.${at % 200}` })));
      edge.releaseAll();
    }
    await edge.settled(0);
    assert.deepEqual(edge.limits.sizes, { leases: 0, addresses: 0, applications: 0, rates: 0, book: 0, requests: 0 });
    assert.deepEqual(await keysLeft(), []);
  });

  describe('when Redis fails', () => {
    before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
      if ((await redisOrigin()) === undefined) this.skip();
    });

    it('go on in each process alone, and are exact again when an empty Redis is back', async () => {
      const server = await startRedisServer();
      const own = new Redis(server.url);
      own.on('error', () => undefined);
      try {
        const [first, second] = [await start({}, server.url), await start({}, server.url)];
        for (let count = 0; count < 4; count += 1) await first.admit(IP);
        await server.kill();
        await Promise.all([first, second].map((edge) => edge.said('limits are not shared')));
        const alone = [];
        for (let count = 0; count < 12; count += 1) alone.push(await first.admit(IP));
        assert.equal(alone.filter(({ admitted }) => admitted).length, 6);
        for (let count = 0; count < 5; count += 1) assert.ok((await second.admit(IP)).admitted);

        await server.start();
        await Promise.all([first, second].map((edge) => edge.said('limits are shared again')));
        assert.equal(await own.zcard(limitKeys(prefix).addressLeases('192.0.2.1')), 15);
        assert.ok(!(await second.admit(IP)).admitted);
        for (const lease of [...first.leases].slice(0, 6)) first.limits.release(lease);
        await first.settled(4);
        assert.ok((await second.admit(IP)).admitted);
        assert.ok(!(await second.admit(IP)).admitted);
        assert.equal(first.messages.filter((text) => text.startsWith('limits are')).length, 2);
        await Promise.all([first, second].map(({ limits }) => limits.stop()));
        assert.deepEqual(await own.keys('*'), []);
      } finally {
        own.disconnect();
        await server.stop();
      }
    });

    it('leave no lease behind when answers are lost and connections cut, time and again', async () => {
      const server = await startRedisServer();
      const relay = await RedisRelay.start(server.port);
      const own = new Redis(server.url);
      try {
        const edge = await start({ limitTimeoutMs: 50, leaseTtlMs: 30_000 }, relay.url);
        for (let round = 1; round <= 3; round += 1) {
          for (let count = 0; count < 4; count += 1) await edge.admit(IP);
          relay.loseAnswers(true);
          const coming = Array.from({ length: 20 }, (_, at) => edge.admit({ address: `192.0.2.${at % 4}` }));
          await Promise.all(coming);
          const [gone] = edge.leases;
          assert.ok(gone);
          edge.limits.release(gone);
          edge.leases.delete(gone);
          await edge.said('limits are not shared', round);
          relay.loseAnswers(false);
          relay.cut();
          await edge.said('limits are shared again', round);
          let held = 0;
          for (let at = 0; at < 4; at += 1) held += await own.zcard(limitKeys(prefix).addressLeases(`192.0.2.${at}`));
          assert.equal(held, edge.leases.size);
          edge.releaseAll();
        }
        await edge.limits.stop();
        assert.deepEqual(await own.keys('*'), []);
      } finally {
        own.disconnect();
        await relay.stop();
        await server.stop();
      }
    });

    it('are exact again after a failover that Sentinels decided on', async () => {
      const origin = await redisOrigin();
      assert.ok(origin);
      const sentinel = await RedisSentinel.start(origin);
      const successor = new Redis(sentinel.secondUrl);
      successor.on('error', () => undefined);
      try {
        const edge = await start({}, sentinel.url);
        for (let count = 0; count < 10; count += 1) assert.ok((await edge.admit(IP)).admitted);
        await sentinel.killFirst();
        await edge.said('limits are not shared');
        for (const lease of [...edge.leases].slice(0, 3)) edge.limits.release(lease);
        await edge.said('limits are shared again');
        assert.equal(await successor.zcard(limitKeys(prefix).addressLeases('192.0.2.1')), 7);
        await edge.limits.stop();
      } finally {
        successor.disconnect();
        await sentinel.stop();
      }
    });

    it('are counted in a Cluster, and go on when the primary of their slot dies', async () => {
      const origin = await redisOrigin();
      assert.ok(origin);
      const cluster = await RedisCluster.start(origin);
      try {
        const [first, second] = [await start({}, cluster.url), await start({}, cluster.url)];
        const verdicts = await Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            (at % 2 === 0 ? first : second).admit({ ...IP, application: 'wallet', applicationLimit: 8 }),
          ),
        );
        assert.equal(verdicts.filter(({ admitted }) => admitted).length, 8);
        await cluster.killPrimary();
        await Promise.all([first, second].map((edge) => edge.said('limits are not shared')));
        await Promise.all([first, second].map((edge) => edge.said('limits are shared again')));
        const after = await Promise.all(
          Array.from({ length: 20 }, () => second.admit({ ...IP, application: 'wallet', applicationLimit: 12 })),
        );
        // The address has two places left, and eight are the application's own.
        assert.equal(after.filter(({ admitted }) => admitted).length, 2);
        await Promise.all([first, second].map(({ limits }) => limits.stop()));
      } finally {
        await cluster.stop();
      }
    });
  });
});
