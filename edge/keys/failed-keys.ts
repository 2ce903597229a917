/**
 * A bucket of tokens for each address, of which a wrong key takes one. It is this process' own, so that a storm of wrong
 * keys asks nobody else anything.
 */

/**
 * A base node with a wrong key dials once a second at first and every ten seconds later: some of them behind one address are
 * still told 401, which names the cause, and a storm is told to wait.
 */
const BURST = 20;
const TOKEN_EVERY_MS = 1000;

/** Addresses that are remembered. A forgotten one has a full bucket again, which costs a few answers and lets nobody in. */
const MAX_ADDRESSES = 10_000;

export class FailedKeys {
  /** When an address' bucket is full again, milliseconds; the address that failed last comes last. */
  readonly #fullAt = new Map<string, number>();
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /**
   * Takes a token.
   *
   * @returns milliseconds until there is one again where the bucket is empty; 0 where it was not
   */
  take(address: string | undefined): number {
    const now = this.#now();
    const name = address ?? '';
    const fullAt = Math.max(this.#fullAt.get(name) ?? 0, now) + TOKEN_EVERY_MS;
    const missing = fullAt - now - BURST * TOKEN_EVERY_MS;
    if (missing > 0) return missing;
    this.#fullAt.delete(name);
    this.#fullAt.set(name, fullAt);
    this.#forget(now);
    return 0;
  }

  /** The oldest ones go: those whose bucket is full, and what is over the bound. Two at most for each that came. */
  #forget(now: number): void {
    let looked = 0;
    for (const [address, fullAt] of this.#fullAt) {
      if (looked === 2 || (fullAt > now && this.#fullAt.size <= MAX_ADDRESSES)) return;
      this.#fullAt.delete(address);
      looked += 1;
    }
  }
}
