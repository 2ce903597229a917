import type { Logger } from '../../log.ts';
import type { RedisMetrics } from '../../metrics/redis-metrics.ts';
import type { RedisMode } from '../../config/formats/redis-url.ts';
import type { StreamBounds } from '../backplane.ts';

/** The settings that the backplane in Redis needs. */
export interface RedisOptions extends StreamBounds {
  /** See `parseRedisUrl`. Holds secrets; never logged. */
  readonly redisUrl: string;
  /** What the URL's scheme says, unless `cluster` makes a Cluster of a plain `redis://` URL. */
  readonly redisMode?: RedisMode | undefined;
  readonly redisKeyPrefix: string;
}

export interface RedisDependencies {
  readonly log: Logger;
  readonly metrics: RedisMetrics;
}
