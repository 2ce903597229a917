import type { RedisDependencies } from '../../shared/backplane/redis/options.ts';
import { createRedisLeaseStore, type RedisLeaseStoreOptions } from '../../shared/limits/redis-lease-store.ts';
import type { LimitMetrics } from '../../shared/metrics/limit-metrics.ts';
import { createLimitClock } from './clock.ts';
import type { ConnectionLimits, LimitSettings } from './connection-limits.ts';
import { LocalLimits } from './local-limits.ts';
import { SharedLimits, type SharedLimitSettings } from './shared-limits.ts';

export interface SharedLimitsDependencies extends RedisDependencies {
  readonly limitMetrics: LimitMetrics;
  /** Told whether Redis is there for the limits; for a program that has it for nothing else. */
  readonly onAvailable?: ((available: boolean) => void) | undefined;
}

/** Limits that this process counts by itself. */
export function createLocalLimits(settings: LimitSettings): ConnectionLimits {
  return new LocalLimits(settings, createLimitClock());
}

/** Limits that all processes on one Redis share; it connects when they are started. */
export function createSharedLimits(
  settings: SharedLimitSettings & RedisLeaseStoreOptions,
  { log, metrics, limitMetrics, onAvailable }: SharedLimitsDependencies,
): ConnectionLimits {
  const store = createRedisLeaseStore(settings, { log, metrics });
  if (onAvailable !== undefined) store.onAvailable(onAvailable);
  return new SharedLimits(settings, { store, clock: createLimitClock(), metrics: limitMetrics, log });
}
