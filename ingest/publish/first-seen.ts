import type { UpstreamMessage } from '../message.ts';

/** Contents whose first arrival is remembered: the deduplication window, for two upstreams of which one lags. */
const MAX_REMEMBERED = 128;

interface FirstArrival {
  readonly upstream: number;
  readonly readAt: number;
}

/** Which upstream delivered a content first, so that the lag of the others can be told. */
export class FirstSeen {
  readonly #arrivals = new Map<string, FirstArrival>();

  /** Remembers the arrival when it is the content's first. */
  note(message: UpstreamMessage): void {
    if (this.#arrivals.has(message.contentHash)) return;
    this.#arrivals.set(message.contentHash, message);
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
