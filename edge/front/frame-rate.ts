/**
 * A client's frames per second, by GCRA: one number per client and kind, the time up to which its frames are paid for.
 * Pure: the time is handed in.
 */
export interface FrameRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A base node pings twice a second; this leaves room for hurried and for late ones (client-protocol: "Frames to clients"). */
export const CONTROL_FRAMES: FrameRate = { perSecond: 50, burst: 100 };
/** Clients have nothing to say; what some send nevertheless costs little at this rate. */
export const DATA_FRAMES: FrameRate = { perSecond: 20, burst: 100 };

/**
 * @param paidUntil what the last call returned, or 0
 * @param now milliseconds
 * @returns the new time up to which frames are paid for; `undefined` when the frame exceeds the rate
 */
export function takeFrame(paidUntil: number, now: number, rate: FrameRate): number | undefined {
  const costMs = 1000 / rate.perSecond;
  const next = Math.max(paidUntil, now) + costMs;
  return next - now > rate.burst * costMs + EPSILON_MS ? undefined : next;
}

/** Keeps the burst whole where the sum of costs is not exact. */
const EPSILON_MS = 1e-6;
