import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { limitKeys, streamKeys, type LimitKeys } from '../../../shared/backplane/redis/keys.ts';
import { admitLeases, releaseLeases, renewLeases, runIdle } from '../../../shared/limits/lease-scripts.ts';
import type { Lease, LeaseRequest } from '../../../shared/limits/lease-store.ts';
import { openRedis, uniquePrefix, type SharedRedis } from '../../support/redis.ts';

const TTL_MS = 30_000;
const ADDRESS = '2001:db8::/64';
const APPLICATION = 'wallet';

const lease = (member: string, more: Partial<Lease> = {}): Lease => ({
  member,
  address: ADDRESS,
  application: APPLICATION,
  ...more,
});

describe('the scripts of the limits', () => {
  let redis: SharedRedis;
  let client: Redis;
  let prefix: string;
  let keys: LimitKeys;

  before(async () => {
    redis = await openRedis();
    client = new Redis(redis.url);
  });
  beforeEach(() => {
    prefix = uniquePrefix();
    keys = limitKeys(prefix);
  });
  afterEach(async () => {
    for (const key of await client.keys(`${prefix}:*`)) await client.del(key);
  });
  after(async () => {
    client.disconnect();
    await redis.close();
  });

  const request = (one: Lease, more: Partial<LeaseRequest> = {}): LeaseRequest => ({
    lease: one,
    rate: undefined,
    addressLimit: 2,
    applicationLimit: 2,
    ...more,
  });
  const admit = async (one: Lease, more: Partial<LeaseRequest> = {}, ttlMs = TTL_MS) => {
    const [answer] = await admitLeases(client, keys, [request(one, more)], ttlMs);
    assert.ok(answer !== undefined);
    return answer;
  };
  const members = (key: string) => client.zrange(key, 0, '-1');
  const now = async () => {
    const [seconds, micros] = (await client.call('TIME')) as [string, string];
    return Number(seconds) * 1000 + Number(micros) / 1000;
  };

  it('take a lease of the address and one of the application, which expire by the clock of Redis', async () => {
    const before = Math.floor(await now());
    assert.deepEqual(await admit(lease('a')), { result: 'admitted' });
    const after = await now();
    for (const key of [keys.addressLeases(ADDRESS), keys.applicationLeases(APPLICATION)]) {
      const expiry = Number(await client.zscore(key, 'a'));
      assert.ok(expiry >= before + TTL_MS && expiry <= after + TTL_MS, String(expiry));
      const left = await client.pttl(key);
      assert.ok(left > TTL_MS - 5000 && left <= TTL_MS, String(left));
    }
    assert.equal((await client.keys(`${prefix}:*`)).length, 2);
  });

  it('refuse by the address first, then by the application, and change nothing', async () => {
    await admit(lease('a'));
    await admit(lease('b', { address: '192.0.2.1' }));
    assert.deepEqual(await admit(lease('c', { address: '192.0.2.2' })), { result: 'application' });
    assert.deepEqual(await admit(lease('d'), { addressLimit: 1 }), { result: 'ip' });
    assert.deepEqual((await client.keys(`${prefix}:*`)).sort(), [
      keys.applicationLeases(APPLICATION),
      keys.addressLeases('192.0.2.1'),
      keys.addressLeases(ADDRESS),
    ]);
    assert.deepEqual(await members(keys.applicationLeases(APPLICATION)), ['a', 'b']);
    assert.deepEqual(await members(keys.addressLeases(ADDRESS)), ['a']);
  });

  it('answer several connections in one call as they would one after the other', async () => {
    const rate = { address: ADDRESS, perSecond: 0.001, burst: 4 };
    const other = { address: '192.0.2.1' };
    await renewLeases(client, keys, [lease('old', { application: undefined })], TTL_MS);
    await client.zadd(keys.addressLeases(ADDRESS), (await now()) - 1, 'old');
    const requests = [
      request(lease('a'), { rate }),
      request(lease('b', { application: undefined }), { rate }),
      request(lease('c'), { rate }),
      request(lease('d', other)),
      request(lease('e', other)),
      request(lease('f', { address: undefined, application: 'other' }), { rate, applicationLimit: 0 }),
      request(lease('g', { address: '192.0.2.2', application: undefined }), { rate }),
      request(lease('h', { address: undefined, application: undefined })),
    ];
    const answers = await admitLeases(client, keys, requests, TTL_MS);
    assert.deepEqual(
      answers.map(({ result }) => result),
      ['admitted', 'admitted', 'ip', 'admitted', 'application', 'application', 'rate', 'admitted'],
    );
    assert.deepEqual(await members(keys.addressLeases(ADDRESS)), ['a', 'b']);
    assert.deepEqual(await members(keys.addressLeases(other.address)), ['d']);
    assert.deepEqual(await members(keys.applicationLeases(APPLICATION)), ['a', 'd']);
    for (const key of [keys.addressLeases(ADDRESS), keys.applicationLeases(APPLICATION)])
      assert.ok((await client.pttl(key)) > TTL_MS - 5000);
  });

  it('admit nobody of an application whose limit is 0', async () => {
    assert.deepEqual(await admit(lease('a'), { applicationLimit: 0 }), { result: 'application' });
  });

  it('take no lease where nothing is limited', async () => {
    const unlimited = lease('a', { address: undefined, application: undefined });
    assert.deepEqual(await admit(unlimited, { addressLimit: 0, applicationLimit: 0 }), { result: 'admitted' });
    assert.deepEqual(await client.keys(`${prefix}:*`), []);
  });

  it('count no lease that has expired, and remove it', async () => {
    await renewLeases(client, keys, [lease('old'), lease('older')], TTL_MS);
    for (const key of [keys.addressLeases(ADDRESS), keys.applicationLeases(APPLICATION)])
      await client.zadd(key, (await now()) - 1, 'old', (await now()) - 1000, 'older');
    assert.deepEqual(await admit(lease('a'), { addressLimit: 1, applicationLimit: 1 }), { result: 'admitted' });
    assert.deepEqual(await members(keys.addressLeases(ADDRESS)), ['a']);
    assert.deepEqual(await members(keys.applicationLeases(APPLICATION)), ['a']);
  });

  it('let a burst in and then one per interval; a refusal for another reason is counted by the rate', async () => {
    // So slow that a test's own duration does not matter.
    const rate = { address: ADDRESS, perSecond: 0.001, burst: 3 };
    assert.deepEqual(await admit(lease('a'), { rate, addressLimit: 1 }), { result: 'admitted' });
    assert.deepEqual(await admit(lease('b'), { rate, addressLimit: 1 }), { result: 'ip' });
    assert.deepEqual(await admit(lease('c'), { rate }), { result: 'admitted' });
    const refused = await admit(lease('d'), { rate, addressLimit: 1 });
    assert.ok(refused.result === 'rate');
    assert.ok(refused.retryAfterMs > 990_000 && refused.retryAfterMs <= 1_000_000, String(refused.retryAfterMs));
    const due = await client.get(keys.rate(ADDRESS));
    assert.equal((await admit(lease('e'), { rate })).result, 'rate');
    assert.equal(await client.get(keys.rate(ADDRESS)), due);
    const left = await client.pttl(keys.rate(ADDRESS));
    assert.ok(left > 2_990_000 && left <= 3_000_000, String(left));
    // As if one interval had passed, and a little more.
    await client.set(keys.rate(ADDRESS), (Number(due) - 1_001_000_000).toFixed(0));
    assert.equal((await admit(lease('f'), { rate, addressLimit: 9, applicationLimit: 9 })).result, 'admitted');
  });

  it('lock nobody out for longer than one interval when the clock of Redis was set back', async () => {
    await client.set(keys.rate(ADDRESS), ((await now()) * 1000 + 3_600_000_000).toFixed(0));
    const rate = { address: ADDRESS, perSecond: 10, burst: 5 };
    assert.deepEqual(await admit(lease('a'), { rate }), { result: 'rate', retryAfterMs: 100 });
  });

  it('renew without a check, make what is not there, and never shorten the time of others', async () => {
    await admit(lease('a'), {}, 2 * TTL_MS);
    await renewLeases(
      client,
      keys,
      [lease('a'), lease('b'), lease('c', { application: undefined }), lease('d')],
      TTL_MS,
    );
    assert.deepEqual(await members(keys.addressLeases(ADDRESS)), ['a', 'b', 'c', 'd']);
    assert.deepEqual(await members(keys.applicationLeases(APPLICATION)), ['a', 'b', 'd']);
    assert.ok((await client.pttl(keys.addressLeases(ADDRESS))) > TTL_MS + 5000);
    assert.deepEqual(await admit(lease('e')), { result: 'ip' });
  });

  it('release what is named and nothing else, and leave no empty key', async () => {
    await renewLeases(client, keys, [lease('a'), lease('b'), lease('c', { address: '192.0.2.1' })], TTL_MS);
    await releaseLeases(client, keys, [lease('a'), lease('c', { address: '192.0.2.1' }), lease('unknown')]);
    assert.deepEqual(await members(keys.applicationLeases(APPLICATION)), ['b']);
    assert.deepEqual(await members(keys.addressLeases(ADDRESS)), ['b']);
    assert.equal(await client.exists(keys.addressLeases('192.0.2.1')), 0);
    await releaseLeases(client, keys, [lease('b')]);
    await runIdle(client, keys);
    assert.deepEqual(await client.keys(`${prefix}:*`), []);
  });

  it('have keys in one hash slot, apart from the stream, that no name can leave or make twice', () => {
    const names = ['a', 'a:b', 'a}b{', 'ü', '%', '%25', ' ', ''];
    const all = names.flatMap((name) => [keys.applicationLeases(name), keys.rate(name), keys.addressLeases(name)]);
    assert.equal(new Set(all).size, all.length);
    for (const key of [...all, keys.absent]) assert.equal(/\{([^}]*)\}/.exec(key)?.[1], `${prefix}:limits`);
    assert.ok(!all.includes(streamKeys(prefix).state));
    for (const name of names) assert.match(keys.applicationLeases(name), /^[!-z|~{}]+$/);
  });
});
