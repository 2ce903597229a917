import type { UpstreamMessage } from '../message.ts';

/** Contents whose first arrival is remembered: the deduplication window, for two upstreams of which one lags. */
const MAX_REMEMBERED = 128;

type FirstArrival = Pick<UpstreamMessage, 'upstream' | 'readAt'>;

/**
 * Which upstream delivered a flashblock first, so that the lag of the others can be told. What is not a flashblock may
 * recur, so that a repeat tells nothing of lag.
 */
export class FirstSeen {
  readonly #arrivals = new Map<string, FirstArrival>();

  /** Remembers the arrival when it is the content's first. */
  note({ contentHash, head, upstream, readAt }: UpstreamMessage): void {
    if (head === undefined || this.#arrivals.has(contentHash)) return;
    this.#arrivals.set(contentHash, { upstream, readAt });
    if (this.#arrivals.size <= MAX_REMEMBERED) return;
    const oldest = this.#arrivals.keys().next();
    if (oldest.done !== true) this.#arrivals.delete(oldest.value);
  }

  /**
   * @returns milliseconds behind the first upstream; `undefined` when this upstream was the first, or the first arrival
   *   is forgotten
   */
  lagOf(message: UpstreamMessage): number | undefined {
    const first = this.#arrivals.get(message.contentHash);
    return first === undefined || first.upstream === message.upstream ? undefined : message.readAt - first.readAt;
  }

  get size(): number {
    return this.#arrivals.size;
  }
}
