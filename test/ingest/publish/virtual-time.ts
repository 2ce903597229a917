interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Stands in for the process' timers, so that seconds pass in an instant and the same way each time. Between two timers
 * everything that was resolved has run.
 */
export class VirtualTime {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  readonly #timers = new Set<Timer>();
  #order = 0;
  now = 0;

  constructor() {
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => this.at(this.now + Math.max(0, ms), run),
      clearTimeout: (timer: Timer | undefined) => timer && this.#timers.delete(timer),
    });
  }

  /** Timers that are still to run. */
  get pending(): number {
    return this.#timers.size;
  }

  at(at: number, run: () => void): Timer {
    const timer = { at: Math.max(at, this.now), order: (this.#order += 1), run };
    this.#timers.add(timer);
    return timer;
  }

  /** Runs what is due until then, in order of time. */
  async advanceTo(until: number): Promise<void> {
    await this.settle();
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.now = next.at;
      this.#timers.delete(next);
      next.run();
      await this.settle();
    }
    this.now = Math.max(this.now, until);
  }

  /** The clock goes on while nothing runs, as in a process that is stopped. */
  standStill(ms: number): void {
    this.now += ms;
  }

  /** Lets everything run that waits for no timer. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives the process its timers back. */
  end(): void {
    Object.assign(globalThis, this.#real);
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > until || (next && (timer.at > next.at || (timer.at === next.at && timer.order > next.order))))
        continue;
      next = timer;
    }
    return next;
  }
}
