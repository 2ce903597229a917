/** What an ingest tells about the stream that it makes: each event's metrics and its log line in one place. */
import {
  PUBLISHER_FORGOTTEN_AFTER_MS,
  type RefusalReason,
  type StoredState,
} from '../../shared/backplane/backplane.ts';
import type { Logger } from '../../shared/log.ts';
import type { IngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import type { UpstreamMessage } from '../message.ts';
import type { Decision, DropReason, GapEnd } from '../sequencer/contract.ts';
import type { LetGoReason, PublishDecision } from './publish-queue.ts';

/** Hears of messages as they are decided on for the first time. */
export interface ArrivalListener {
  /** The message's upstream was the first to deliver it. */
  first(message: UpstreamMessage): void;
  /** Another upstream delivered it `lagMs` before. */
  behind(message: UpstreamMessage, lagMs: number): void;
}

export interface StreamReportDependencies {
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly arrivals?: ArrivalListener;
  /** By position. */
  readonly upstreamNames: readonly string[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Between two lines on gaps of one upstream; the metrics count each. */
const GAP_LOG_MS = 5000;

export class StreamReport {
  readonly #deps: StreamReportDependencies;
  /** Messages that were let go since the queue was last empty. */
  #letGo = 0;
  #warnedOfOthers = false;
  /** By upstream: when a gap was logged last, and how many were not since. */
  readonly #gapsLogged = new Map<number, { readonly at: number; leftOut: number }>();

  constructor(deps: StreamReportDependencies) {
    this.#deps = deps;
    const { metrics, upstreamNames } = deps;
    // Every series is there from the start, so that a rate over it sees the first event.
    for (const result of ['published', 'duplicate', 'stale', 'conflict', 'error'])
      metrics.publishResults.inc({ result }, 0);
    const { upstreamWins, upstreamDuplicates, upstreamStale, upstreamConflicts, upstreamGaps } = metrics;
    for (const upstream of upstreamNames) {
      for (const counter of [upstreamWins, upstreamDuplicates, upstreamStale, upstreamConflicts])
        counter.inc({ upstream }, 0);
      for (const outcome of ['repaired', 'resumed', 'lost']) upstreamGaps.inc({ upstream, outcome }, 0);
    }
  }

  /** The message's upstream was the first to deliver it. */
  won(message: UpstreamMessage): void {
    this.#deps.metrics.upstreamWins.inc({ upstream: this.#upstreamOf(message) });
    this.#deps.arrivals?.first(message);
  }

  /** A publish of this ingest went in; what it does to the stream is told here, as a refused one does nothing. */
  published(decision: PublishDecision, durationMs: number): void {
    const { metrics, log } = this.#deps;
    metrics.publishResults.inc({ result: 'published' });
    metrics.publishDuration.observe(durationMs / 1000);
    const upstream = this.#upstreamOf(decision.message);
    const at = { upstream, ...decision.message.head?.position };
    if (decision.takeover) {
      metrics.streamTakeovers.inc();
      log.warn(at, 'another payload takes the block over');
    }
    if (decision.restart) {
      metrics.streamRestarts.inc();
      log.warn(at, 'the stream restarts at a new position');
    }
    if (decision.gap) this.#gapBefore(decision.message);
  }

  /**
   * @param lagMs see `FirstSeen.lagOf`
   * @param time `again`: it was decided on before, and counted for its upstream
   */
  notTaken(decision: Extract<Decision, { action: 'drop' }>, lagMs: number | undefined, time: 'first' | 'again'): void {
    const { metrics, log } = this.#deps;
    if (time === 'again') {
      metrics.publishResults.inc({ result: decision.reason });
      return;
    }
    const upstream = this.#upstreamOf(decision.message);
    const counters: Record<DropReason, typeof metrics.upstreamStale> = {
      duplicate: metrics.upstreamDuplicates,
      stale: metrics.upstreamStale,
      conflict: metrics.upstreamConflicts,
    };
    counters[decision.reason].inc({ upstream });
    if (decision.reason === 'duplicate' && lagMs !== undefined) {
      metrics.upstreamLag.observe({ upstream }, lagMs / 1000);
      this.#deps.arrivals?.behind(decision.message, lagMs);
    }
    if (decision.reason === 'conflict' && decision.firstOfBlock) {
      log.info({ upstream, ...decision.message.head?.position }, 'a second payload for the block');
    }
  }

  /** A builder that skips does so with every block: one line for each upstream in a while, which tells how many went before. */
  #gapBefore(message: UpstreamMessage): void {
    const now = this.#deps.now();
    const last = this.#gapsLogged.get(message.upstream);
    if (last !== undefined && now - last.at < GAP_LOG_MS) {
      last.leftOut += 1;
      return;
    }
    this.#gapsLogged.set(message.upstream, { at: now, leftOut: 0 });
    const leftOut = last?.leftOut ?? 0;
    const at = { upstream: this.#upstreamOf(message), ...message.head?.position, ...(leftOut > 0 && { leftOut }) };
    this.#deps.log.warn(at, 'flashblocks before this one are missing');
  }

  gapEnded(gap: GapEnd): void {
    this.#deps.metrics.upstreamGaps.inc({ upstream: this.#upstreamOf(gap), outcome: gap.outcome });
  }

  /** The answers of so many publishes were lost. */
  publishesFailed(publishes: number): void {
    this.#deps.metrics.publishResults.inc({ result: 'error' }, publishes);
  }

  /** After a builder's pause a new epoch is nothing unusual; else the backplane lost something. */
  newEpoch(sequence: number, reason: RefusalReason | undefined): void {
    const { log } = this.#deps;
    if (sequence === 1) log.info('a new stream begins');
    else log[reason === 'expired' ? 'info' : 'warn']({ sequence, state: reason }, 'a new epoch of the stream begins');
  }

  /** A message was let go unpublished; logged at the first and, with the count, when nothing waits any more. */
  letGo(message: UpstreamMessage, reason: LetGoReason): void {
    this.#deps.metrics.publishDropped.inc();
    this.#letGo += 1;
    if (this.#letGo > 1) return;
    const position = { ...message.head?.position };
    if (reason === 'full') this.#deps.log.error(position, 'publish buffer full: letting the oldest messages go');
    else this.#deps.log.error(position, 'letting messages go that waited too long to be published');
  }

  /** Everything that waited went in. */
  drained(): void {
    if (this.#letGo > 0) this.#deps.log.error({ messages: this.#letGo }, 'messages were let go unpublished');
    this.#letGo = 0;
  }

  /** With DEDUPE=off two ingests would both publish everything; said once. */
  learnt(state: StoredState | undefined, ingestId: string, dedupe: 'flashblocks' | 'content' | 'off'): void {
    if (dedupe !== 'off' || this.#warnedOfOthers || state === undefined) return;
    if (!state.publishers.some((other) => other.ingestId !== ingestId && other.ageMs < PUBLISHER_FORGOTTEN_AFTER_MS))
      return;
    this.#warnedOfOthers = true;
    this.#deps.log.warn('DEDUPE is off and another ingest publishes too: clients get every message twice');
  }

  #upstreamOf({ upstream }: { readonly upstream: number }): string {
    return this.#deps.upstreamNames[upstream] ?? 'unknown';
  }
}
