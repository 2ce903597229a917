import { backplaneSuite } from '../../../suites/backplane-suite.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { openRedis, type SharedRedis } from '../../../support/redis.ts';

describe('the backplane in Redis', () => {
  let redis: SharedRedis;
  before(async () => {
    redis = await openRedis();
  });
  after(() => (redis as SharedRedis | undefined)?.close());

  backplaneSuite((bounds) => Promise.resolve(new RedisHarness(redis.url, bounds)));
});
