import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { BackplaneUnavailableError, type StreamPublisher } from '../../../../shared/backplane/backplane.ts';
import { Writer, draft, drafts, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { redisOrigin, startRedisServer, type RedisServer } from '../../../support/redis.ts';

describe('a backplane whose Redis refuses', function () {
  this.timeout(60_000);
  let server: RedisServer;
  /** Of an operator, who is always let in. */
  let operator: Redis;
  let harness: RedisHarness;

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });
  beforeEach(async () => {
    const args = ['--user', 'operator', 'on', '>op', '~*', '&*', '+@all', '--user', 'stream', 'on', '>right'];
    server = await startRedisServer({ args: [...args, '~*', '&*', '+@all', '--enable-protected-configs', 'yes'] });
    operator = new Redis(server.url.replace('//', '//operator:op@'), { maxRetriesPerRequest: null });
    operator.on('error', () => undefined);
    harness = new RedisHarness(server.url.replace('//', '//stream:right@'));
    await harness.client.ping();
  });
  afterEach(async () => {
    await harness.close();
    operator.disconnect();
    await server.stop();
  });

  const untilAvailable = (publisher: StreamPublisher, changes: boolean[] = []) =>
    new Promise<void>((resolve) =>
      publisher.onAvailable((available) => {
        changes.push(available);
        if (available && changes.includes(false)) resolve();
      }),
    );
  const line = async (text: string) => {
    while (!harness.logs.text.includes(text)) await once(harness.logs.events, 'line');
  };
  const statistic = async (section: string, field: string) =>
    Number(new RegExp(`${field}[=:](\\d+)`).exec(await operator.info(section))?.[1] ?? 0);
  /** Waits until a field of INFO has grown by so much. */
  const grown = async (section: string, field: string, by: number) => {
    const enough = (await statistic(section, field)) + by;
    const deadline = performance.now() + 30_000;
    while ((await statistic(section, field)) < enough) {
      assert.ok(performance.now() < deadline, `${field} grew by ${by}`);
      await delay(20);
    }
  };
  const REFUSED_WRITES = 'cmdstat_xadd:.*rejected_calls';
  const connections = () => statistic('stats', 'total_connections_received');

  it('calls rarely on a replica that takes no writes, says so, and publishes when it becomes the primary', async () => {
    await operator.replicaof('127.0.0.1', 1);
    const publisher = harness.publisher();
    const changes = [false];
    const available = untilAvailable(publisher, changes);
    const before = await connections();
    await publisher.start();
    await grown('commandstats', REFUSED_WRITES, 6);
    // Asked on one connection twice a second; a new one is made at once, then after 0.5, 1, 2 and 4 s.
    assert.ok((await connections()) - before <= 6);
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    assert.match(harness.logs.text, /READONLY/);
    assert.ok(harness.logs.lines.length < 12, harness.logs.text);
    assert.match(await harness.registry.metrics(), /^flashcast_redis_up 0$/m);
    await operator.replicaof('NO', 'ONE');
    await available;
    assert.deepEqual(results(await new Writer(publisher).publish(draft(0))), [1]);
  });

  it('comes back to a primary that was a replica for a while, and its source never leaves it', async () => {
    const publisher = await startPublisher(harness.publisher());
    const recorder = await startSource(harness.source());
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const changes: boolean[] = [];
    const available = untilAvailable(publisher, changes);
    await operator.replicaof('127.0.0.1', 1);
    await grown('commandstats', REFUSED_WRITES, 2);
    await operator.replicaof('NO', 'ONE');
    await available;
    assert.deepEqual(changes, [true, false, true]);
    assert.deepEqual(recorder.availability, [true]);
    assert.deepEqual(results(await writer.publish(draft(1))), [2]);
    await recorder.messages(2);
  });

  it('dials ever less often with a wrong password, and comes when it is right', async () => {
    await operator.call('ACL', 'SETUSER', 'stream', 'resetpass', '>other');
    const publisher = harness.publisher();
    const available = untilAvailable(publisher, [false]);
    await publisher.start();
    const before = await connections();
    await line('WRONGPASS');
    await grown('stats', 'total_connections_received', 5);
    assert.ok((await connections()) - before <= 7);
    assert.ok(harness.logs.lines.length < 8, harness.logs.text);
    await operator.call('ACL', 'SETUSER', 'stream', 'resetpass', '>right');
    await available;
    assert.deepEqual(results(await new Writer(publisher).publish(draft(0))), [1]);
  });

  for (const [what, rule, repair] of [
    ['write', '-xadd', '+xadd'],
    ['publish', '-publish', '+publish'],
    ['reach the channel', 'resetchannels', 'allchannels'],
    ['run scripts', '-eval', '+eval'],
    ['reach the keys', 'resetkeys', 'allkeys'],
  ] as const) {
    it(`is not available to a user who may not ${what}, says so, and comes when he may`, async () => {
      await operator.call('ACL', 'SETUSER', 'stream', rule);
      const publisher = harness.publisher();
      const changes = [false];
      const available = untilAvailable(publisher, changes);
      await publisher.start();
      await line('NOPERM');
      await grown('commandstats', 'cmdstat_info:calls', 2);
      assert.deepEqual(changes, [false]);
      await operator.call('ACL', 'SETUSER', 'stream', repair);
      await available;
      const source = await startSource(harness.source());
      assert.deepEqual(results(await new Writer(publisher).publish(draft(0))), [1]);
      await source.messages(1);
    });
  }

  it('stores nothing that it may not publish', async () => {
    const publisher = await startPublisher(harness.publisher());
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const available = untilAvailable(publisher);
    const request = writer.request(draft(1));
    await operator.call('ACL', 'SETUSER', 'stream', '-publish');
    await assert.rejects(writer.send(request), BackplaneUnavailableError);
    assert.equal(await operator.xlen(harness.keys.history), 1);
    await operator.call('ACL', 'SETUSER', 'stream', '+publish');
    await available;
    assert.deepEqual(results([await writer.send(request)]), [2]);
  });

  for (const [rule, repair] of [
    ['-subscribe', '+subscribe'],
    ['-xrange', '+xrange'],
    ['-hmget', '+hmget'],
  ] as const) {
    it(`is not available to a source whose user has ${rule}, and comes when he may`, async () => {
      await operator.call('ACL', 'SETUSER', 'stream', rule);
      const source = harness.source();
      const availability: boolean[] = [];
      const available = new Promise<void>((resolve) => {
        void source.start({
          message: () => undefined,
          unknownVersion: () => undefined,
          available: (is) => {
            availability.push(is);
            resolve();
          },
        });
      });
      await line('Redis failed');
      assert.deepEqual(availability, []);
      await operator.call('ACL', 'SETUSER', 'stream', repair);
      await available;
      assert.deepEqual(availability, [true]);
      assert.equal((await source.readAfter(0)).envelopes.length, 0);
    });
  }

  it('comes back when Redis accepts connections again after it had too many', async () => {
    const publisher = await startPublisher(harness.publisher());
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const available = untilAvailable(publisher);
    const others = await statistic('clients', 'connected_clients');
    await operator.config('SET', 'maxclients', others - 1);
    await operator.call('CLIENT', 'KILL', 'USER', 'stream');
    const filler = new Redis(server.url, { maxRetriesPerRequest: null });
    filler.on('error', () => undefined);
    try {
      await grown('stats', 'rejected_connections', 2);
      await operator.config('SET', 'maxclients', 100);
      await available;
    } finally {
      filler.disconnect();
    }
    assert.deepEqual(results(await writer.publish(draft(1))), [2]);
  });

  for (const [what, refusal, refuse, allow] of [
    [
      'cannot save',
      'MISCONF',
      async () => {
        // No file can take the place of a folder.
        await operator.config('SET', 'dbfilename', '.');
        await operator.config('SET', 'save', '3600 1');
        await operator.bgsave();
        while (!(await operator.info('persistence')).includes('rdb_last_bgsave_status:err')) await delay(20);
      },
      () => operator.config('SET', 'save', ''),
    ],
    [
      'is short of replicas',
      'NOREPLICAS',
      () => operator.config('SET', 'min-replicas-to-write', '1'),
      () => operator.config('SET', 'min-replicas-to-write', '0'),
    ],
  ] as const) {
    it(`pauses while Redis ${what}, while sources go on, and publishes when it no longer does`, async () => {
      const publisher = await startPublisher(harness.publisher());
      const recorder = await startSource(harness.source());
      const writer = new Writer(publisher);
      await writer.publish(draft(0));
      const changes: boolean[] = [];
      const available = untilAvailable(publisher, changes);
      await refuse();
      const request = writer.request(draft(1));
      await assert.rejects(writer.send(request), BackplaneUnavailableError);
      await line(refusal);
      await grown('commandstats', REFUSED_WRITES, 2);
      assert.deepEqual(changes, [true, false]);
      assert.deepEqual(recorder.availability, [true]);
      await allow();
      await available;
      assert.deepEqual(results([await writer.send(request)]), [2]);
      await recorder.messages(2);
    });
  }

  it('publishes on while its scripts are flushed', async () => {
    const writer = new Writer(await startPublisher(harness.publisher()));
    const recorder = await startSource(harness.source());
    const all = writer.publish(...drafts(8));
    await operator.script('FLUSH');
    assert.deepEqual(results([...(await all), ...(await writer.publish(...drafts(8, 8)))]), [
      ...Array.from({ length: 16 }, (_, at) => at + 1),
    ]);
    await recorder.messages(16);
  });
});
