import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { Ring } from '../stream/contract.ts';

export type FanoutMetrics = Pick<
  EdgeMetrics,
  | 'filterMatches'
  | 'filterUnparsed'
  | 'filterEvaluate'
  | 'streamHasReceipts'
  | 'sentMessages'
  | 'failedMessages'
  | 'bytesBroadcasted'
  | 'messageSendDuration'
  | 'edgeFanout'
  | 'endToEnd'
>;

/** Counts deliveries in plain numbers and hands them to the metrics once per slice, never once per client. */
export class DeliveryMetrics {
  readonly #metrics: FanoutMetrics;
  #sent = 0;
  #bytes = 0;
  #failed = 0;
  #matches = 0;

  constructor(metrics: FanoutMetrics) {
    this.#metrics = metrics;
  }

  /** @param filtered whether to a client with a filter */
  sent(bytes: number, filtered: boolean): void {
    this.#sent += 1;
    if (filtered) this.#matches += 1;
    this.#bytes += bytes;
  }

  failed(): void {
    this.#failed += 1;
  }

  /** @param durationMs what the slice took */
  slice(durationMs: number): void {
    this.#metrics.messageSendDuration.observe(durationMs / 1000);
    this.flush();
  }

  flush(): void {
    if (this.#sent > 0) this.#metrics.sentMessages.inc(this.#sent);
    if (this.#bytes > 0) this.#metrics.bytesBroadcasted.inc(this.#bytes);
    if (this.#failed > 0) this.#metrics.failedMessages.inc(this.#failed);
    if (this.#matches > 0) this.#metrics.filterMatches.inc(this.#matches);
    this.#sent = 0;
    this.#bytes = 0;
    this.#failed = 0;
    this.#matches = 0;
  }

  /**
   * Observes the latencies of messages that every client has that could take them.
   *
   * @param from first ordinal
   * @param to ordinal after the last
   * @param lastWriteAt monotonic milliseconds of the last write; what came after it was written to nobody, or only to clients that catch up
   * @param wallOffset from monotonic to Unix milliseconds
   */
  settled(ring: Ring, from: number, to: number, lastWriteAt: number, wallOffset: number): void {
    for (let ordinal = Math.max(from, ring.tail); ordinal < to; ordinal += 1) {
      const entry = ring.at(ordinal);
      if (entry === undefined || entry.arrivedAt > lastWriteAt) continue;
      this.#metrics.edgeFanout.observe((lastWriteAt - entry.arrivedAt) / 1000);
      // Clocks of two hosts may differ by more than the way takes.
      this.#metrics.endToEnd.observe(Math.max(lastWriteAt + wallOffset - entry.envelope.receivedAtMs, 0) / 1000);
    }
  }
}
