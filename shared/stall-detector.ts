/** How often the loop is looked at, and how late a look must be for the loop to have stood still (upstream-and-stream, "Connection"). */
const CHECK_EVERY_MS = 100;
const STALL_MS = 1000;

/**
 * Tells when this process' event loop stood still for over a second (SIGSTOP, a paused machine, a blocking call). Time
 * in which it stood still counts for no deadline: what arrived meanwhile is read first, then the listeners run.
 */
export class StallDetector {
  readonly #now: () => number;
  readonly #listeners = new Set<(now: number) => void>();
  #timer: NodeJS.Timeout | undefined;
  #expectedAt = 0;
  #stalledAt = -Infinity;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#expectedAt = this.#now() + CHECK_EVERY_MS;
    this.#timer = setInterval(() => {
      this.check();
    }, CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
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
    if (this.#timer !== undefined && now - this.#expectedAt > STALL_MS) {
      this.#stalledAt = now;
      setImmediate(() => {
        for (const listener of this.#listeners) listener(this.#now());
      });
    }
    this.#expectedAt = now + CHECK_EVERY_MS;
    return now - this.#stalledAt <= STALL_MS;
  }
}
