import assert from 'node:assert/strict';
import { backplaneSuite } from '../../../suites/backplane-suite.ts';
import { Writer, draft, drafts, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { publishThrough, publishUntilHeard, untilAnswered } from '../../../suites/backplane-persistence.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { RedisCluster, redisOrigin } from '../../../support/redis.ts';

describe('the backplane in a Cluster', function () {
  this.timeout(60_000);
  let cluster: RedisCluster;

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    const origin = await redisOrigin();
    if (origin === undefined) this.skip();
    cluster = await RedisCluster.start(origin);
  });
  after(() => (cluster as RedisCluster | undefined)?.stop());

  backplaneSuite((bounds) => Promise.resolve(new RedisHarness(cluster.url, bounds, 'cluster')));

  describe('whose nodes change', () => {
    let harness: RedisHarness;
    beforeEach(() => {
      harness = new RedisHarness(cluster.url, undefined, 'cluster');
    });
    afterEach(() => harness.close());

    it('hears the channel at the node that its slot has moved to', async () => {
      const recorder = await startSource(harness.source());
      await cluster.moveSlotOf(harness.keys.channel);
      await recorder.until(({ availability }) => availability.length === 3);
      const writer = new Writer(await startPublisher(harness.publisher()));
      assert.deepEqual(results(await writer.publish(draft(0))), [1]);
      await recorder.messages(1);
    });

    for (const [what, change] of [
      ['a failover that was ordered', () => cluster.failOver()],
      ['the death of a primary', () => cluster.killPrimary()],
    ] as const) {
      it(`publishes, hears and reads on after ${what}`, async () => {
        const source = harness.source();
        const recorder = await startSource(source);
        const writer = new Writer(await startPublisher(harness.publisher()));
        await writer.publish(...drafts(5));
        await recorder.messages(5);
        await harness.settle();
        await change();

        const numbers: number[] = [];
        for (const one of drafts(20, 5)) numbers.push(await publishThrough(writer, one));
        assert.deepEqual(
          numbers,
          Array.from({ length: 20 }, (_, index) => index + 6),
        );
        const more = await publishUntilHeard(writer, recorder, drafts(100, 25));
        const { envelopes } = await untilAnswered(() => source.readAfter(0));
        assert.deepEqual(
          envelopes.map(({ position }) => position),
          drafts(25 + more.length).map(({ position }) => position),
        );
      });
    }
  });
});
