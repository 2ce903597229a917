/** The stream at an edge: the ring, and the subscription that fills it from the backplane. */
import type { StreamBounds, StreamSource } from '../../shared/backplane/backplane.ts';
import { type Every, every } from '../../shared/every.ts';
import type { Logger } from '../../shared/log.ts';
import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { EncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Ring, RingEntry } from './contract.ts';
import type { DeliverySource } from './follower.ts';
import type { RingCodec } from './ring-entry.ts';
import { createRing } from './ring.ts';
import { StreamReport } from './stream-report.ts';
import { Subscription, type StreamReadiness } from './subscription.ts';

export interface EdgeStreamDependencies {
  readonly source: StreamSource;
  readonly codec: RingCodec;
  readonly metrics: EdgeMetrics & EncodingMetrics;
  readonly log: Logger;
  /** Time in which the event loop stood still counts for no deadline. */
  readonly stall?: Pick<StallDetector, 'check'>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly every?: Every;
  /** Unix milliseconds with fractions. */
  readonly wallClock?: () => number;
}

/** @param source where the entry came from; entries of the first `fill` are older than the edge itself */
export type EntryListener = (entry: RingEntry, source: DeliverySource) => void;

export interface EdgeStream {
  readonly ring: Ring;
  readonly readiness: StreamReadiness;
  /** Called with each new entry of the ring, in order, in the call in which it arrived. @returns ends it */
  onEntry(listener: EntryListener): () => void;
  /** Resolves when the ring was filled once, or on `stop`. Rejects when the backplane's server is unfit. */
  start(): Promise<void>;
  /** Ends the source too. Idempotent; leaves no handle open. */
  stop(): Promise<void>;
}

export function createEdgeStream(settings: StreamBounds, deps: EdgeStreamDependencies): EdgeStream {
  const { source, codec, metrics, log, stall } = deps;
  const now = deps.now ?? (() => performance.now());
  const wallClock = deps.wallClock ?? (() => performance.timeOrigin + performance.now());
  const report = new StreamReport({ metrics, log, now, wallClock });
  const ring = createRing(settings, { codec, metrics, onUndecodable: (entry) => report.undecodable(entry) });
  const listeners = new Set<EntryListener>();
  const subscription = new Subscription(settings, {
    source,
    now,
    every: deps.every ?? every,
    stall,
    events: {
      deliver: (delivery, origin) => {
        const entry = ring.append(delivery, now());
        for (const listener of listeners) listener(entry, origin);
        report.delivered(entry, origin);
      },
      carriedOut: () => report.carriedOut(),
      epochChanged: () => report.epochChanged(),
      headMissing: (sequence) => report.headMissing(sequence),
      available: (available) => report.available(available),
      callFailed: (call, error) => report.callFailed(call, error),
      callWorked: (call) => report.callWorked(call),
      unknownVersion: (version) => report.unknownVersion(version),
    },
  });
  return {
    ring,
    get readiness() {
      return subscription.readiness;
    },
    onEntry: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () => subscription.start(),
    stop: () => subscription.stop(),
  };
}
