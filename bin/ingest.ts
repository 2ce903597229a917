import { Ingest } from '../ingest/ingest.ts';
import type { UpstreamMessage } from '../ingest/message.ts';
import { createRedisPublisher } from '../shared/backplane/redis/publisher.ts';
import type { IngestSettings } from '../shared/config/settings.ts';
import type { Logger } from '../shared/log.ts';
import { createEncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import { createIngestMetrics } from '../shared/metrics/ingest-metrics.ts';
import { createRedisMetrics } from '../shared/metrics/redis-metrics.ts';
import type { StreamMessage } from '../shared/status/stream-history.ts';
import { Instruments } from './instruments.ts';
import type { Lifecycle } from './serve.ts';

/** What the status page shows of the stream before anybody has compressed it. */
function messageOf({ head, receivedAtMs, content }: UpstreamMessage): StreamMessage {
  return {
    ...(head && { position: head.position, payloadId: head.payloadId }),
    receivedAtMs,
    plainLength: content.length,
    payloadEncoding: 'plain',
    restart: false,
  };
}

/** `flashcast ingest`: upstreams to Redis. */
export function createIngest(settings: IngestSettings, log: Logger): Lifecycle {
  const instruments = new Instruments({ program: 'ingest', id: settings.ingestId, stream: null }, settings, log);
  const { registry, stall, feed } = instruments;
  const ingest = new Ingest(settings, {
    publisher: createRedisPublisher(settings, { log, metrics: createRedisMetrics(registry) }),
    othersPublish: true,
    compress: true,
    metrics: createIngestMetrics(registry),
    encodingMetrics: createEncodingMetrics(registry),
    stall,
    log,
    arrivals: {
      first(message) {
        feed?.first(message);
        feed?.message(messageOf(message));
      },
      behind: (message, lagMs) => feed?.behind(message, lagMs),
    },
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
