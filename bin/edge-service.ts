import type { Registry } from 'prom-client';
import type { Places } from '../edge/admission/steps.ts';
import { createEdge, type Edge } from '../edge/edge.ts';
import { createKeyStore } from '../edge/keys/key-store.ts';
import { createSharedLimits } from '../edge/limits/create-limits.ts';
import { createRedisSource } from '../shared/backplane/redis/source.ts';
import type { EdgeSettings } from '../shared/config/settings.ts';
import type { Envelope } from '../shared/envelope.ts';
import type { Logger } from '../shared/log.ts';
import { createEdgeMetrics } from '../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import { createKeyMetrics } from '../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../shared/metrics/redis-metrics.ts';
import type { StallDetector } from '../shared/stall-detector.ts';
import type { PageIdentity } from './instruments.ts';

/** What the process of an edge has for it. */
export interface EdgeProcess {
  readonly registry: Registry;
  /** Started and stopped by the program. */
  readonly stall: StallDetector;
  readonly log: Logger;
  /** Where INSTANCE_CONNECTION_LIMIT is counted; by the edge itself without it. */
  readonly places?: Places;
  /** Told each message that clients are sent, and how many are known to be missing before it. */
  readonly onMessage?: (envelope: Envelope, lostBefore: number) => void;
}

/** What the status page says of an edge. */
export function edgeIdentity({ edgeId, listenAddr, tlsCertFile }: EdgeSettings): PageIdentity {
  return { program: 'edge', id: edgeId, stream: { port: listenAddr.port, secure: tlsCertFile !== undefined } };
}

/**
 * An edge on Redis; it does nothing until it is started.
 *
 * @throws SettingsError when a file that the settings name cannot be used
 */
export function createRedisEdge(
  settings: EdgeSettings,
  { registry, stall, log, places, onMessage }: EdgeProcess,
): Edge {
  const redis = { log, metrics: createRedisMetrics(registry) };
  return createEdge(settings, {
    source: createRedisSource(settings, redis),
    limits: createSharedLimits(settings, { ...redis, limitMetrics: createLimitMetrics(registry) }),
    keys: createKeyStore(settings, { log, metrics: createKeyMetrics(registry) }),
    metrics: createEdgeMetrics(registry),
    encodingMetrics: createEncodingMetrics(registry),
    stall,
    log,
    ...(places !== undefined && { places }),
    ...(onMessage !== undefined && { onMessage }),
  });
}
