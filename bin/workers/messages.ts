/** What a primary and its workers say to each other. Both are of one build, so that nothing is checked but the kind. */
import type { EdgeSettings } from '../../shared/config/settings.ts';
import type { MetricsSnapshot } from '../../shared/metrics/aggregate.ts';
import type { Check } from '../../shared/operations/check.ts';
import type { StreamMessage } from '../../shared/status/stream-history.ts';

/** What the primary says to a worker. */
export type Order =
  /** The answer to `hello`. The settings are the worker's own share. */
  | { readonly kind: 'begin'; readonly number: number; readonly settings: EdgeSettings }
  /** Read again what may change. */
  | { readonly kind: 'reload' }
  /** Drain, then end. */
  | { readonly kind: 'stop' }
  /** Tell the metrics. */
  | { readonly kind: 'measure' }
  /** The answer to `places`: how many of the wanted there were. */
  | { readonly kind: 'granted'; readonly places: number };

/** What a worker says to the primary. */
export type Word =
  /** It takes orders from now on. Said once, first. */
  | { readonly kind: 'hello' }
  /** It serves clients from now on. */
  | { readonly kind: 'listening' }
  /** Its start has failed, and it ends. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** How it is; also its sign of life. */
  | { readonly kind: 'report'; readonly report: WorkerReport }
  /** A message of the stream, for the status page. */
  | { readonly kind: 'message'; readonly message: StreamMessage; readonly lostBefore: number }
  | { readonly kind: 'metrics'; readonly metrics: MetricsSnapshot }
  /**
   * Places for clients (INSTANCE_CONNECTION_LIMIT): so many are free again, and so many are wanted. What is wanted is answered before
   * more is asked for.
   */
  | { readonly kind: 'places'; readonly freed: number; readonly wanted: number };

/** A worker as it sees itself. */
export interface WorkerReport {
  readonly checks: readonly Check[];
  /** As for `/status.json`. */
  readonly status: Readonly<Record<string, unknown>>;
  /** What the status page shows; empty where there is none. */
  readonly pageMetrics: MetricsSnapshot;
}

/** How often a worker reports: fresh enough for a readiness probe, which comes once a second or less. */
export const REPORT_EVERY_MS = 500;
