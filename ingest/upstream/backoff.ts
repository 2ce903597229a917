/** The first wait is at most this long: short beside a block, long beside the time that a dial takes. */
const FIRST_MS = 500;

/**
 * How long to wait before an upstream is dialled again: at most 500 ms, then twice that, and so on up to the maximum. Each
 * wait is drawn from the upper half of its range, so that ingests that lost an upstream together come back spread out,
 * and yet an upstream that accepts and drops is dialled less and less often.
 */
export class Backoff {
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  /**
   * @param maxMs SUBSCRIBER_MAX_INTERVAL_MS
   * @param random uniform in [0, 1)
   */
  constructor(maxMs: number, random: () => number) {
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Milliseconds to wait now; each call without a {@link reset} between them gives a longer one. */
  next(): number {
    const ceilingMs = Math.min(FIRST_MS * 2 ** this.#attempts, this.#maxMs);
    if (ceilingMs < this.#maxMs) this.#attempts++;
    return (ceilingMs * (1 + this.#random())) / 2;
  }

  /** The connection has proved itself: the next wait is a first one. */
  reset(): void {
    this.#attempts = 0;
  }
}
