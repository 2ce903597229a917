/** What an ingest tells about the stream that it makes: each event's metrics and its log line in one place. */
import type { StoredState } from '../../shared/backplane/backplane.ts';
import type { Logger } from '../../shared/log.ts';
import type { IngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import type { UpstreamMessage } from '../message.ts';
import type { Decision, DropReason, GapEnd } from '../sequencer/contract.ts';
import type { PublishDecision } from './publish-queue.ts';

export interface StreamReportDependencies {
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly upstreamName: (upstream: number) => string;
}

/** Another ingest counts as running when it published within this time (redis: "one silent for 60 s is forgotten"). */
const PUBLISHER_FORGOTTEN_MS = 60_000;

export class StreamReport {
  readonly #deps: StreamReportDependencies;
  #letGo = 0;
  #warnedOfOthers = false;

  constructor(deps: StreamReportDependencies) {
    this.#deps = deps;
    for (const result of ['published', 'duplicate', 'stale', 'conflict', 'error'])
      deps.metrics.publishResults.inc({ result }, 0);
  }

  /** @param time `again`: after a refusal, so that its upstream was credited before */
  decided(decision: PublishDecision, time: 'first' | 'again'): void {
    const { metrics, log, upstreamName } = this.#deps;
    const upstream = upstreamName(decision.message.upstream);
    if (time === 'first') metrics.upstreamWins.inc({ upstream });
    const at = { upstream, ...decision.message.head?.position };
    if (decision.takeover) {
      metrics.streamTakeovers.inc();
      log.warn(at, 'another payload takes the block over');
    }
    if (decision.restart) {
      metrics.streamRestarts.inc();
      log.warn(at, 'the stream restarts at a new position');
    }
    if (decision.gap) log.warn(at, 'flashblocks before this one are missing');
  }

  /** @param lagMs see `FirstSeen.lagOf` */
  notTaken(decision: Extract<Decision, { action: 'drop' }>, lagMs: number | undefined, time: 'first' | 'again'): void {
    const { metrics, log, upstreamName } = this.#deps;
    if (time === 'again') {
      metrics.publishResults.inc({ result: decision.reason });
      return;
    }
    const upstream = upstreamName(decision.message.upstream);
    const counters: Record<DropReason, typeof metrics.upstreamStale> = {
      duplicate: metrics.upstreamDuplicates,
      stale: metrics.upstreamStale,
      conflict: metrics.upstreamConflicts,
    };
    counters[decision.reason].inc({ upstream });
    if (decision.reason === 'duplicate' && lagMs !== undefined) metrics.upstreamLag.observe({ upstream }, lagMs / 1000);
    if (decision.reason === 'conflict' && decision.firstOfBlock) {
      log.info({ upstream, ...decision.message.head?.position }, 'a second payload for the block');
    }
  }

  gapEnded(gap: GapEnd): void {
    this.#deps.metrics.upstreamGaps.inc({ upstream: this.#deps.upstreamName(gap.upstream), outcome: gap.outcome });
  }

  published(durationMs: number): void {
    this.#deps.metrics.publishResults.inc({ result: 'published' });
    this.#deps.metrics.publishDuration.observe(durationMs / 1000);
  }

  publishFailed(): void {
    this.#deps.metrics.publishResults.inc({ result: 'error' });
  }

  newEpoch(sequence: number): void {
    if (sequence === 1) this.#deps.log.info('a new stream begins');
    else this.#deps.log.warn({ sequence }, 'a new epoch of the stream begins');
  }

  /** A message was let go unpublished; logged at the first and, with the count, when the backplane is back. */
  letGo(message: UpstreamMessage): void {
    this.#deps.metrics.publishDropped.inc();
    this.#letGo += 1;
    if (this.#letGo === 1)
      this.#deps.log.error({ ...message.head?.position }, 'publish buffer full: letting the oldest messages go');
  }

  backplaneReturned(): void {
    if (this.#letGo > 0) this.#deps.log.error({ messages: this.#letGo }, 'messages were let go unpublished');
    this.#letGo = 0;
  }

  /** With DEDUPE=off two ingests would both publish everything; said once. */
  learnt(state: StoredState | undefined, ingestId: string, dedupe: 'flashblocks' | 'content' | 'off'): void {
    if (dedupe !== 'off' || this.#warnedOfOthers || state === undefined) return;
    if (!state.publishers.some((other) => other.ingestId !== ingestId && other.ageMs < PUBLISHER_FORGOTTEN_MS)) return;
    this.#warnedOfOthers = true;
    this.#deps.log.warn('DEDUPE is off and another ingest publishes too: clients get every message twice');
  }
}
