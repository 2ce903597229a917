import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { Filter } from '../filter/filter.ts';
import { type FilterEntry, FilterIndex, FilterMatches } from '../filter/filter-index.ts';
import type { ScanForm } from '../filter/scan-form.ts';
import type { RingEntry } from '../stream/contract.ts';

export type FilteringMetrics = Pick<EdgeMetrics, 'filterEvaluate' | 'filterUnparsed' | 'streamHasReceipts'>;

/** What is kept for a message that cannot be read: it matches no filter, whenever that came. */
const NOTHING = new FilterMatches(new Uint32Array(0), Infinity);

/**
 * Which messages of the ring a filtered client gets. A message is looked at when the first filtered client comes to it, for
 * all filters that there are: those that wait to catch up are evaluated together. What came of it is kept as long as the
 * ring keeps the message, and the message is looked at again only for filters that came later.
 */
export class Filtering {
  readonly #index = new FilterIndex();
  readonly #metrics: FilteringMetrics;
  readonly #now: () => number;
  #clients = 0;
  #hasReceipts: boolean | undefined;
  readonly #kept = new WeakMap<RingEntry, FilterMatches>();
  /** The last one asked for: a round asks for the same message again and again. */
  #last: { entry: RingEntry; matches: FilterMatches } | undefined;

  /** @param now monotonic milliseconds */
  constructor(metrics: FilteringMetrics, now: () => number) {
    this.#metrics = metrics;
    this.#now = now;
  }

  /** Clients with a filter. */
  get clients(): number {
    return this.#clients;
  }

  /**
   * Whether the newest message with transactions that filters were asked about carries receipts, without which no topic
   * matches; `undefined` while there was none.
   */
  get hasReceipts(): boolean | undefined {
    return this.#hasReceipts;
  }

  /** Different filters. */
  get filters(): number {
    return this.#index.size;
  }

  /** A client with this filter has come; {@link leave} is to be called when it is gone. */
  join(filter: Filter): FilterEntry {
    this.#clients += 1;
    return this.#index.add(filter);
  }

  leave(filter: FilterEntry): void {
    this.#clients -= 1;
    this.#index.remove(filter);
    if (this.#index.size === 0) this.#last = undefined;
  }

  /** Whether a message is for the clients with this filter. */
  wants(entry: RingEntry, filter: FilterEntry): boolean {
    return this.known(entry, filter) ?? this.#evaluate(entry).has(filter) ?? false;
  }

  /** The same where it is known; `undefined` where the message has yet to be looked at for the filter. */
  known(entry: RingEntry, filter: FilterEntry): boolean | undefined {
    return this.#matches(entry)?.has(filter);
  }

  #matches(entry: RingEntry): FilterMatches | undefined {
    return this.#last?.entry === entry ? this.#last.matches : this.#kept.get(entry);
  }

  #evaluate(entry: RingEntry): FilterMatches {
    const startedAt = this.#now();
    const form = entry.scanForm();
    const matches = form === undefined ? NOTHING : this.#index.match(form);
    this.#kept.set(entry, matches);
    this.#last = { entry, matches };
    if (form === undefined) this.#metrics.filterUnparsed.inc();
    else {
      this.#metrics.filterEvaluate.observe((this.#now() - startedAt) / 1000);
      this.#noteReceipts(form);
    }
    return matches;
  }

  /** A message without transactions has no receipts wherever it comes from. */
  #noteReceipts({ ends, hasReceipts }: ScanForm): void {
    if (ends.length === 0 && !hasReceipts) return;
    this.#hasReceipts = hasReceipts;
    this.#metrics.streamHasReceipts.set(hasReceipts ? 1 : 0);
  }
}
