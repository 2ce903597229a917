import { setImmediate } from 'node:timers/promises';
import type { LimitClock } from '../../../edge/limits/clock.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Lets everything run that waits for no timer and no socket. */
export async function settle(): Promise<void> {
  await setImmediate();
}

/** A clock that a test moves. */
export class FakeClock implements LimitClock {
  readonly #timers = new Set<Timer>();
  #now = 1000;

  now(): number {
    return this.#now;
  }

  /** Timers that are still to run. */
  get pending(): number {
    return this.#timers.size;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs what becomes due, in order of time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.run();
      await settle();
    }
    this.#now = until;
  }

  #next(until: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= until);
    return due.reduce<Timer | undefined>((first, timer) => (first && first.at <= timer.at ? first : timer), undefined);
  }
}
