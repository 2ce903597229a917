/** The time as an upstream sees it; tests hand in one that they move. */
export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Unix milliseconds with fractions. */
  unixNow(): number;
  /**
   * Calls back once, no sooner than after `delayMs`.
   *
   * @returns cancels the call; harmless afterwards
   */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * Unix time in fractions of a millisecond, from a monotonic clock set right by the system's clock, which has whole
 * milliseconds: the fraction moves as little as agrees with both, and follows the system's clock when that is set.
 *
 * @param now monotonic milliseconds
 * @param wholeUnixMs whole Unix milliseconds, as `Date.now`
 */
export function createUnixClock(now: () => number, wholeUnixMs: () => number): () => number {
  let offset = wholeUnixMs() - now();
  return () => {
    const whole = wholeUnixMs();
    const monotonic = now();
    offset = Math.min(Math.max(offset, whole - monotonic), whole + 1 - monotonic);
    return monotonic + offset;
  };
}

/** The process' own clocks and timers. */
export function createSystemClock(): Clock {
  const now = () => performance.now();
  return {
    now,
    unixNow: createUnixClock(now, () => Date.now()),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => {
        clearTimeout(timer);
      };
    },
  };
}
