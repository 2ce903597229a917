import { Ingest } from '../ingest/ingest.ts';
import { createRedisPublisher } from '../shared/backplane/redis/publisher.ts';
import type { IngestSettings } from '../shared/config/settings.ts';
import type { Logger } from '../shared/log.ts';
import { createEncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import { createIngestMetrics } from '../shared/metrics/ingest-metrics.ts';
import { createRedisMetrics } from '../shared/metrics/redis-metrics.ts';
import { Instruments } from './instruments.ts';
import type { Lifecycle } from './serve.ts';

/** `flashcast ingest`: upstreams to Redis. */
export function createIngest(settings: IngestSettings, log: Logger): Lifecycle {
  const instruments = new Instruments(settings, log);
  const { registry, stall } = instruments;
  const ingest = new Ingest(settings, {
    publisher: createRedisPublisher(settings, { log, metrics: createRedisMetrics(registry) }),
    othersPublish: true,
    compress: true,
    metrics: createIngestMetrics(registry),
    encodingMetrics: createEncodingMetrics(registry),
    stall,
    log,
  });
  return {
    async start() {
      await instruments.start('ingest', [ingest]);
      await ingest.start();
    },
    async stop() {
      await ingest.stop();
      await instruments.stop();
    },
  };
}
