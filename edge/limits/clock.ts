/** The time as the limits see it; tests hand in one that they move. */
export interface LimitClock {
  /** Monotonic milliseconds. */
  now(): number;
  /**
   * Calls back once, no sooner than after `delayMs`, and after what the sockets have received by then was read: an answer that
   * came while the process stood still is not late.
   *
   * @returns cancels the call; harmless afterwards
   */
  after(delayMs: number, callback: () => void): () => void;
}

/** The process' own clock and timers. */
export function createLimitClock(): LimitClock {
  return {
    now: () => performance.now(),
    after(delayMs, callback) {
      let immediate: NodeJS.Immediate | undefined;
      const timer = setTimeout(() => {
        immediate = setImmediate(callback);
      }, delayMs);
      return () => {
        clearTimeout(timer);
        clearImmediate(immediate);
      };
    },
  };
}
