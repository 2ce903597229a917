import { createEdge as createEdgeService } from '../edge/edge.ts';
import { createKeyStore } from '../edge/keys/key-store.ts';
import { createSharedLimits } from '../edge/limits/create-limits.ts';
import { createRedisSource } from '../shared/backplane/redis/source.ts';
import type { EdgeSettings } from '../shared/config/settings.ts';
import type { Logger } from '../shared/log.ts';
import { createEdgeMetrics } from '../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import { createKeyMetrics } from '../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../shared/metrics/redis-metrics.ts';
import { Instruments } from './instruments.ts';
import type { Lifecycle } from './serve.ts';

/** `flashcast edge`: Redis to clients. */
export function createEdge(settings: EdgeSettings, log: Logger): Lifecycle {
  const stream = { port: settings.listenAddr.port, secure: settings.tlsCertFile !== undefined };
  const instruments = new Instruments({ program: 'edge', id: settings.edgeId, stream }, settings, log);
  const { registry, stall, feed } = instruments;
  const redis = { log, metrics: createRedisMetrics(registry) };
  const edge = createEdgeService(settings, {
    source: createRedisSource(settings, redis),
    limits: createSharedLimits(settings, { ...redis, limitMetrics: createLimitMetrics(registry) }),
    keys: createKeyStore(settings, { log, metrics: createKeyMetrics(registry) }),
    metrics: createEdgeMetrics(registry),
    encodingMetrics: createEncodingMetrics(registry),
    stall,
    log,
    onMessage: (envelope, lostBefore) => feed?.message(envelope, lostBefore),
  });
  let stopped = false as boolean;
  return {
    async start() {
      await instruments.start('edge', [edge, { checks: () => [], status: () => ({ edgeId: settings.edgeId }) }]);
      if (!stopped) await edge.start();
    },
    reload: () => edge.reload(),
    async stop() {
      stopped = true;
      await edge.stop();
      await instruments.stop();
    },
  };
}
