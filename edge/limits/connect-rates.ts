import { gcra, type Gcra } from './gcra.ts';

/** Addresses whose rate is remembered: a flood from more than these costs at most some 20 MB, and then renews bursts. */
const MAX_ADDRESSES = 100_000;

/** The rate at which each address connects to this process. */
export class ConnectRates {
  readonly #gcra: Gcra;
  readonly #maxAddresses: number;
  /** When the next connection of an address is due; the address that connected longest ago is the first. */
  readonly #due = new Map<string, number>();

  /** @param perSecond 0: any rate, and nothing is remembered */
  constructor(perSecond: number, burst: number, maxAddresses: number = MAX_ADDRESSES) {
    this.#gcra = { interval: perSecond === 0 ? 0 : 1000 / perSecond, burst };
    this.#maxAddresses = maxAddresses;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#due.size;
  }

  /**
   * Counts a connection unless it comes too early.
   *
   * @param now monotonic milliseconds
   * @returns milliseconds until one is due, or `undefined` when it was counted
   */
  take(address: string, now: number): number | undefined {
    if (this.#gcra.interval === 0) return undefined;
    const verdict = gcra(this.#gcra, this.#due.get(address) ?? 0, now);
    if (!verdict.allowed) return verdict.retryAfter;
    this.#due.delete(address);
    if (this.#due.size >= this.#maxAddresses) this.#forgetFirst();
    this.#due.set(address, verdict.due);
    return undefined;
  }

  /** Forgets addresses whose whole burst is theirs again. */
  sweep(now: number): void {
    for (const [address, due] of this.#due) if (due <= now) this.#due.delete(address);
  }

  #forgetFirst(): void {
    for (const address of this.#due.keys()) {
      this.#due.delete(address);
      return;
    }
  }
}
