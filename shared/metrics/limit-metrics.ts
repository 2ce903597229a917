import { Gauge, Histogram, type Registry } from 'prom-client';
import { LATENCY_BUCKETS } from './buckets.ts';

/** What the limits of connections measure. */
export type LimitMetrics = ReturnType<typeof createLimitMetrics>;

export function createLimitMetrics(registry: Registry) {
  const registers = [registry];
  return {
    limitDuration: new Histogram({
      name: 'flashcast_limit_duration_seconds',
      help: 'Time that a connection waited for the shared limits, those included that they did not answer in time',
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    limitDegraded: new Gauge({
      name: 'flashcast_limit_degraded',
      help: '1 while Redis does not answer for the limits, and LIMIT_FAIL_MODE holds',
      registers,
      aggregator: 'max',
    }),
  };
}
