import { BEAT_MS, every } from './every.ts';

/** How late a look at the loop must be for the loop to have stood still (upstream-and-stream, "Connection"). */
const STALL_MS = 1000;

/**
 * Tells when this process' event loop stood still for over a second (SIGSTOP, a paused machine, a blocking call). Time
 * in which it stood still counts for no deadline: what arrived meanwhile is read first, then the listeners run.
 */
export class StallDetector {
  readonly #now: () => number;
  readonly #listeners = new Set<(now: number) => void>();
  #end: (() => void) | undefined;
  #expectedAt = 0;
  #stalledAt = -Infinity;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  start(): void {
    if (this.#end !== undefined) return;
    this.#expectedAt = this.#now() + BEAT_MS;
    this.#end = every(BEAT_MS, () => {
      this.check();
    });
  }

  stop(): void {
    this.#end?.();
    this.#end = undefined;
    this.#listeners.clear();
  }

  /** Called after a stall, once the sockets had a turn. */
  onStall(listener: (now: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Looks at the clock now, ahead of the timer: a reader calls it so that what it reads right after a stall is known as such.
   *
   * @returns whether a stall ended within the last second
   */
  check(): boolean {
    const now = this.#now();
    if (this.#end !== undefined && now - this.#expectedAt > STALL_MS) {
      this.#stalledAt = now;
      setImmediate(() => {
        for (const listener of this.#listeners) listener(this.#now());
      });
    }
    this.#expectedAt = now + BEAT_MS;
    return now - this.#stalledAt <= STALL_MS;
  }
}
