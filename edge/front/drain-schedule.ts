import { STRETCH_MS } from './closing-limit.ts';

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
  /** From then on nobody is held back, so that all get their closing handshake. */
  readonly lastMs: number;
  /** Clients that may be closed within any {@link STRETCH_MS} before that. */
  readonly perStretch: number;
}

/** A client waits for a block's end for at most so many block times (client-protocol: "Drain"). */
const WAIT_BLOCKS = 1.5;
/** Part of the time after the delay that may go to waiting for a block's end; where more is needed, nobody waits. */
const WAIT_SHARE = 0.5;
/** Part of the time after the delay that is kept for the last closing handshakes, and the most that they get. */
const HANDSHAKE_SHARE = 0.1;
const HANDSHAKE_MS = 1000;
/**
 * How many times the even rate is closed at most within a stretch: the other edges are promised 1.5 times of reconnects, and clients
 * do not all take equally long. Somewhat more than the schedule needs in any case, as it would not be over in time else.
 */
const MOST_OF_EVEN = 1.4;
const MOST_OF_SCHEDULED = 1.15;

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
  const perMs = Math.max(MOST_OF_EVEN / availableMs, MOST_OF_SCHEDULED / windowMs);
  return {
    waitMs,
    lastMs: times.drainDelayMs + windowMs + waitMs,
    perStretch: availableMs === 0 ? total : Math.ceil(total * perMs * STRETCH_MS),
    closedBy: (elapsedMs, atBlockEnd) => dueBy(atBlockEnd ? elapsedMs : elapsedMs - waitMs),
  };
}
