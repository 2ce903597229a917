import { Histogram, type Registry } from 'prom-client';
import { LATENCY_BUCKETS, SIZE_BUCKETS } from './buckets.ts';

/** What making the encodings of messages costs; an ingest and an edge in one process share it. */
export type EncodingMetrics = ReturnType<typeof createEncodingMetrics>;

export function createEncodingMetrics(registry: Registry) {
  const shape = { labelNames: ['encoding'] as const, registers: [registry] };
  return {
    encodeDuration: new Histogram({
      name: 'flashcast_encode_duration_seconds',
      help: 'Time to make an encoding of a message',
      buckets: LATENCY_BUCKETS,
      ...shape,
    }),
    messageBytes: new Histogram({
      name: 'flashcast_message_bytes',
      help: 'Size of a message in an encoding',
      buckets: SIZE_BUCKETS,
      ...shape,
    }),
  };
}
