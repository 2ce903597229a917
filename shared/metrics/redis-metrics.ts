import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { LATENCY_BUCKETS } from './buckets.ts';

/** What a process with a Redis backplane measures about it. */
export type RedisMetrics = ReturnType<typeof createRedisMetrics>;

export function createRedisMetrics(registry: Registry) {
  const registers = [registry];
  return {
    up: new Gauge({ name: 'flashcast_redis_up', help: '1 while Redis answers', registers, aggregator: 'min' }),
    reconnects: new Counter({ name: 'flashcast_redis_reconnects_total', help: 'Reconnections to Redis', registers }),
    commandDuration: new Histogram({
      name: 'flashcast_redis_command_duration_seconds',
      help: 'Time to the answer of a command',
      labelNames: ['command'] as const,
      buckets: LATENCY_BUCKETS,
      registers,
    }),
  };
}
