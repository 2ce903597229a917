import assert from 'node:assert/strict';
import { Writer, draft, drafts, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { publishThrough, publishUntilHeard, untilAnswered } from '../../../suites/backplane-persistence.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { RedisSentinel, redisOrigin } from '../../../support/redis.ts';

describe('the backplane behind Sentinels', function () {
  this.timeout(60_000);
  let sentinel: RedisSentinel;
  let harness: RedisHarness;

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });
  beforeEach(async () => {
    const origin = await redisOrigin();
    assert.ok(origin);
    sentinel = await RedisSentinel.start(origin);
    harness = new RedisHarness(sentinel.firstUrl);
  });
  afterEach(async () => {
    await harness.close();
    await sentinel.stop();
  });

  for (const [what, change] of [
    ['a failover that was ordered', () => sentinel.failOver()],
    ['the death of the primary', () => sentinel.killFirst()],
  ] as const) {
    it(`publishes and hears at the new primary after ${what}, and no number goes back`, async () => {
      const behind = harness.through(sentinel.url);
      const publisher = await startPublisher(behind.publisher());
      const source = behind.source();
      const recorder = await startSource(source);
      const writer = new Writer(publisher);
      assert.deepEqual(results(await writer.publish(...drafts(5))), [1, 2, 3, 4, 5]);
      await recorder.messages(5);
      await harness.settle();
      const moved = new Promise<void>((resolve) => {
        let lost = false;
        publisher.onAvailable((available) => (available && lost ? resolve() : (lost ||= !available)));
      });
      await change();

      const numbers = [5];
      let going = true;
      const publishing = async () => {
        while (going) numbers.push(await publishThrough(writer, draft(numbers.length + 4)));
      };
      await Promise.all([publishing(), moved.finally(() => (going = false))]);
      numbers.push(...(await publishUntilHeard(writer, recorder, drafts(100, numbers.length + 4))));
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(numbers).size, numbers.length);
      const head = await untilAnswered(() => source.head());
      assert.equal(head?.sequence, numbers.at(-1));
    });
  }

  it('names itself to Sentinels that ask for it, also at a failover', async () => {
    await sentinel.demand('watcher', 'open&sesame');
    const credentials = `sentinel_username=watcher&sentinel_password=${encodeURIComponent('open&sesame')}`;
    const behind = harness.through(`${sentinel.url}?${credentials}`);
    const publisher = await startPublisher(behind.publisher());
    const writer = new Writer(publisher);
    assert.deepEqual(results(await writer.publish(...drafts(2))), [1, 2]);
    const source = behind.source();
    const recorder = await startSource(source);
    await sentinel.killFirst();
    await publishUntilHeard(writer, recorder, drafts(100, 3));
  });
});
