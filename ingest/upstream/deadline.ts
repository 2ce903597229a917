import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Clock } from './clock.ts';

/** What a deadline needs to tell time from time in which the own loop stood still. */
export type StallCheck = Pick<StallDetector, 'check'>;

/**
 * One deadline that is put off again and again, cheaply: a timer that fires early is set anew for the rest.
 *
 * Time in which the event loop stood still does not count (upstream-and-stream, "Connection"): a deadline that comes due
 * right after a stall starts anew with its whole length, so that the sockets are read before it is judged.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #stall: StallCheck;
  readonly #onDue: () => void;
  #lengthMs = 0;
  #dueAt: number | undefined;
  #firesAt = Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, stall: StallCheck, onDue: () => void) {
    this.#clock = clock;
    this.#stall = stall;
    this.#onDue = onDue;
  }

  /** Due in `lengthMs` from now, in place of any earlier setting. */
  set(lengthMs: number): void {
    this.#lengthMs = lengthMs;
    this.#dueAt = this.#clock.now() + lengthMs;
    if (this.#firesAt > this.#dueAt) this.#arm(lengthMs);
  }

  /** Starts anew with its whole length, if it is set. */
  restart(): void {
    if (this.#dueAt !== undefined) this.set(this.#lengthMs);
  }

  /** Never due until it is set again. Leaves no timer. */
  clear(): void {
    this.#dueAt = undefined;
    this.#firesAt = Infinity;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #arm(delayMs: number): void {
    this.#cancelTimer?.();
    this.#firesAt = this.#clock.now() + delayMs;
    this.#cancelTimer = this.#clock.after(Math.ceil(delayMs), () => {
      this.#fire();
    });
  }

  #fire(): void {
    this.#firesAt = Infinity;
    this.#cancelTimer = undefined;
    if (this.#dueAt === undefined) return;
    const remainingMs = this.#dueAt - this.#clock.now();
    if (remainingMs > 0) {
      this.#arm(remainingMs);
    } else if (this.#stall.check()) {
      this.restart();
    } else {
      this.#dueAt = undefined;
      this.#onDue();
    }
  }
}
