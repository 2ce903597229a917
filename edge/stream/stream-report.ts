/** What an edge tells about the stream that it follows: each event's metrics and its log line in one place. */
import type { Logger } from '../../shared/log.ts';
import { readAtScrape } from '../../shared/metrics/at-scrape.ts';
import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { RingEntry } from './contract.ts';
import type { DeliverySource } from './follower.ts';

export interface StreamReportDependencies {
  readonly metrics: EdgeMetrics;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Unix milliseconds with fractions, to be compared with the ingest's. */
  readonly wallClock: () => number;
}

/** An ingest that encodes wrongly does so with every message: one line a minute is enough. */
const UNDECODABLE_LOG_MS = 60_000;

export class StreamReport {
  readonly #deps: StreamReportDependencies;
  /** When the newest message arrived; the start where none came yet. */
  #newestAt: number;
  #filled = 0;
  #lost = 0;
  #undecodableLoggedAt = -Infinity;
  #unknownVersion: number | undefined;
  #failing = new Set<string>();

  constructor(deps: StreamReportDependencies) {
    this.#deps = deps;
    const { metrics, now } = deps;
    this.#newestAt = now();
    readAtScrape(metrics.streamAge, () => (now() - this.#newestAt) / 1000);
  }

  delivered({ envelope, lostBefore, arrivedAt }: RingEntry, source: DeliverySource): void {
    const { metrics, wallClock } = this.#deps;
    this.#newestAt = arrivedAt;
    this.#unknownVersion = undefined;
    metrics.streamMessages.inc();
    metrics.streamSequence.set(envelope.sequence);
    if (envelope.position === undefined) {
      metrics.streamUnknownMessages.inc();
    } else {
      metrics.streamBlockNumber.set(envelope.position.blockNumber);
      metrics.streamFlashblockIndex.set(envelope.position.index);
    }
    // What the first read brings was on its way before this edge was there.
    if (source !== 'fill') metrics.ingestToEdge.observe(Math.max(0, wallClock() - envelope.receivedAtMs) / 1000);
    if (source === 'history') {
      metrics.streamGaps.inc({ outcome: 'filled' });
      this.#filled += 1;
    }
    if (lostBefore > 0) {
      metrics.streamGaps.inc({ outcome: 'lost' }, lostBefore);
      this.#lost += lostBefore;
    }
  }

  /** Logs what the event just carried out came to. */
  carriedOut(): void {
    if (this.#filled > 0)
      this.#deps.log.info({ messages: this.#filled }, 'messages the channel skipped were recovered');
    if (this.#lost > 0) this.#deps.log.warn({ messages: this.#lost }, 'messages of the stream are lost');
    this.#filled = 0;
    this.#lost = 0;
  }

  epochChanged(): void {
    this.#deps.metrics.streamEpochs.inc();
    this.#deps.log.warn('the stream goes on in a new epoch');
  }

  /** Said once for each head; the next message shows how many are lost. */
  headMissing(sequence: number): void {
    this.#deps.log.warn({ sequence }, 'the newest message is not in the stored history: going on with live messages');
  }

  available(available: boolean): void {
    if (available) this.#deps.log.info('following the stream');
    else this.#deps.log.warn('the stream cannot be followed: the backplane is away');
  }

  /** Said once until the call works again; the backplane's own metrics count every failure. */
  callFailed(call: 'history' | 'head', error: unknown): void {
    if (this.#failing.has(call)) return;
    this.#failing.add(call);
    const reason = error === undefined ? 'no answer in time' : error instanceof Error ? error.name : 'unknown';
    this.#deps.log.warn({ call, reason }, 'a read of the stored stream failed and is repeated');
  }

  callWorked(call: 'history' | 'head'): void {
    this.#failing.delete(call);
  }

  /** Said once until a message can be read again. */
  unknownVersion(version: number): void {
    this.#deps.metrics.streamUnknownVersions.inc();
    if (this.#unknownVersion === version) return;
    this.#unknownVersion = version;
    this.#deps.log.error({ version }, 'messages have an envelope version that this release does not read');
  }

  undecodable({ envelope, arrivedAt }: RingEntry): void {
    this.#deps.metrics.failedMessages.inc();
    if (arrivedAt - this.#undecodableLoggedAt < UNDECODABLE_LOG_MS) return;
    this.#undecodableLoggedAt = arrivedAt;
    const { sequence, ingestId, payloadEncoding } = envelope;
    this.#deps.log.error({ sequence, ingestId, payloadEncoding }, 'a message is not what its envelope says');
  }
}
