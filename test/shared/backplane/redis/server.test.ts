import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { BackplaneUnavailableError } from '../../../../shared/backplane/backplane.ts';
import { UnfitServerError } from '../../../../shared/backplane/redis/errors.ts';
import { Writer, draft, rawDraft, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { redisOrigin, startRedisServer, type RedisServer } from '../../../support/redis.ts';

describe('a backplane whose Redis is set up in its own way', function () {
  this.timeout(30_000);
  let server: RedisServer | undefined;
  let harness: RedisHarness | undefined;

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });
  afterEach(async () => {
    await harness?.close();
    await server?.stop();
    harness = server = undefined;
  });

  const start = async (args: readonly string[], credentials = '') => {
    server = await startRedisServer({ args });
    harness = new RedisHarness(server.url.replace('//', `//${credentials}`));
    return harness;
  };
  const line = async (opened: RedisHarness, text: string) => {
    while (!opened.logs.text.includes(text)) await once(opened.logs.events, 'line');
  };

  /** A user who may do what the stream takes and the given categories, and nothing else. */
  const startWithUser = (...more: string[]) => {
    const rules = ['on', '>p%ss', '~flashcast-test-*', '&flashcast-test-*', '-@all'];
    const allowed = ['+@read', '+@write', '+@pubsub', '+@scripting', '+@connection', '+time', ...more];
    return start(['--user', 'stream', ...rules, ...allowed], `stream:${encodeURIComponent('p%ss')}@`);
  };

  it('works with a user who may do no more than it takes', async () => {
    const opened = await startWithUser('+info');
    const recorder = await startSource(opened.source());
    const writer = new Writer(await startPublisher(opened.publisher()));
    assert.deepEqual(results(await writer.publish(draft(0))), [1]);
    await recorder.messages(1);
    assert.doesNotMatch(opened.logs.text, /cannot be checked/);
  });

  it('works without INFO, and says that it could not check the server', async () => {
    const opened = await startWithUser();
    await startPublisher(opened.publisher());
    assert.match(opened.logs.text, /cannot be checked/);
  });

  it('is unavailable with a wrong password, and tells the reason but no secret', async () => {
    const opened = await start(['--requirepass', 'right'], 'somebody:s3cret-word@');
    const publisher = opened.publisher();
    await publisher.start();
    await line(opened, 'WRONGPASS');
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    assert.doesNotMatch(opened.logs.text, /s3cret-word|redis:/);
  });

  it('refuses a node of a Cluster without REDIS_MODE', async () => {
    const opened = await start(['--cluster-enabled', 'yes', '--cluster-port', '0']);
    await assert.rejects(opened.publisher().start(), UnfitServerError);
  });

  it('warns of a maxmemory-policy that would drop the stream', async () => {
    const opened = await start(['--maxmemory-policy', 'allkeys-lru']);
    await startPublisher(opened.publisher());
    assert.match(opened.logs.text, /maxmemory-policy is allkeys-lru/);
  });

  it('rejects a publish that Redis has no memory for, changes nothing, and goes on when it has', async () => {
    const opened = await start([]);
    const publisher = await startPublisher(opened.publisher());
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const back = new Promise<void>((resolve) => {
      let seen = 0;
      publisher.onAvailable((available) => (seen += available ? 1 : 0) === 2 && resolve());
    });
    await opened.client.config('SET', 'maxmemory', '1');
    const request = writer.request(rawDraft('{"large":true}'));
    await assert.rejects(writer.send(request), BackplaneUnavailableError);
    await line(opened, 'OOM');
    await opened.client.config('SET', 'maxmemory', '0');
    await back;
    assert.deepEqual(results([await writer.send(request)]), [2]);
    const histogram = await opened.registry.metrics();
    // Whether the publish or the check is the first to be refused is a matter of chance.
    assert.match(histogram, /flashcast_redis_command_duration_seconds_count\{command="publish"\} [23]/);
    assert.match(histogram, /^flashcast_redis_up 1$/m);
  });

  /** Waits until the server has refused or carried out so many more calls of a command. */
  const called = async (opened: RedisHarness, field: RegExp, more: number) => {
    const count = async () => Number(field.exec(await (opened.client as Redis).info('commandstats'))?.[1] ?? 0);
    const enough = (await count()) + more;
    const deadline = performance.now() + 15_000;
    while ((await count()) < enough) {
      assert.ok(performance.now() < deadline, `${more} calls of ${field.source}`);
      await delay(20);
    }
  };

  it('stays unavailable for publishes while Redis takes no writes, and comes back by itself', async () => {
    const opened = await start([]);
    const publisher = await startPublisher(opened.publisher());
    const changes: boolean[] = [];
    const back = new Promise<void>((resolve) => {
      publisher.onAvailable((available) => changes.push(available) === 3 && resolve());
    });
    await opened.client.config('SET', 'maxmemory', '1');
    const refused = /cmdstat_xadd:.*rejected_calls=(\d+)/;
    await called(opened, refused, 1);
    await assert.rejects(new Writer(publisher).publish(draft(0)), BackplaneUnavailableError);
    await called(opened, refused, 2);
    assert.deepEqual(changes, [true, false]);
    assert.match(await opened.registry.metrics(), /^flashcast_redis_up 0$/m);
    await opened.client.config('SET', 'maxmemory', '0');
    await back;
    assert.deepEqual(changes, [true, false, true]);
    assert.equal(await opened.client.exists(opened.keys.absent), 0);
  });

  it('is not available to a publisher where writes are refused from the start', async () => {
    const opened = await start(['--maxmemory', '1']);
    const publisher = opened.publisher();
    await publisher.start();
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    assert.match(opened.logs.text, /OOM/);
  });

  it('stays unavailable for publishes while the state has another layout', async () => {
    const opened = await start([]);
    const publisher = await startPublisher(opened.publisher());
    const writer = new Writer(publisher);
    await writer.publish(draft(0));
    const changes: boolean[] = [];
    const back = new Promise<void>((resolve) => {
      publisher.onAvailable((available) => changes.push(available) === 3 && resolve());
    });
    await opened.client.hset(opened.keys.state, 'version', '2');
    const request = writer.request(draft(1));
    await assert.rejects(writer.send(request), /the state has the layout 2/);
    await called(opened, /cmdstat_eval:calls=(\d+)/, 2);
    assert.deepEqual(changes, [true, false]);
    await opened.client.hset(opened.keys.state, 'version', '1');
    await back;
    assert.deepEqual(results([await writer.send(request)]), [2]);
  });
});
