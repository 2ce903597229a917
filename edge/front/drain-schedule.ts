export interface DrainTimes {
  /** From the drain's begin until new clients are refused and the first client is closed. */
  readonly drainDelayMs: number;
  /** From the drain's begin until it is over; includes the delay. */
  readonly drainTimeoutMs: number;
}

/** When the clients of a draining edge are closed. Times are milliseconds since the drain began. */
export interface DrainSchedule {
  /**
   * @param atBlockEnd the stream stands at a block's end and every client has it
   * @returns how many of the clients are to have been closed by now
   */
  closedBy(elapsedMs: number, atBlockEnd: boolean): number;
  /** A client waits for a block's end at most so long. */
  readonly waitMs: number;
}

/** A client waits for a block's end for at most so many block times (client-protocol: "Drain"). */
const WAIT_BLOCKS = 1.5;
/** Part of the time after the delay that may go to waiting for a block's end; where more is needed, nobody waits. */
const WAIT_SHARE = 0.5;
/** Part of the time after the delay that is kept for the last closing handshakes, and the most that they get. */
const HANDSHAKE_SHARE = 0.1;
const HANDSHAKE_MS = 1000;

/**
 * Spreads the closing of `total` clients evenly over the drain, so that they do not reach the other edges at once: client
 * `n` is due after an `n`th part of the time, and closed at the next block's end where that comes in time.
 *
 * @param blockTimeMs `undefined` where it is not known; nobody waits then
 */
export function drainSchedule(total: number, times: DrainTimes, blockTimeMs: number | undefined): DrainSchedule {
  const availableMs = Math.max(times.drainTimeoutMs - times.drainDelayMs, 0);
  const wantedWaitMs = (blockTimeMs ?? 0) * WAIT_BLOCKS;
  const waitMs = wantedWaitMs <= availableMs * WAIT_SHARE ? wantedWaitMs : 0;
  const windowMs = availableMs - waitMs - Math.min(availableMs * HANDSHAKE_SHARE, HANDSHAKE_MS);

  const dueBy = (elapsedMs: number): number => {
    const sinceMs = elapsedMs - times.drainDelayMs;
    if (sinceMs < 0) return 0;
    return sinceMs >= windowMs ? total : Math.min(total, Math.floor((sinceMs / windowMs) * total) + 1);
  };
  return {
    waitMs,
    closedBy: (elapsedMs, atBlockEnd) => dueBy(atBlockEnd ? elapsedMs : elapsedMs - waitMs),
  };
}
