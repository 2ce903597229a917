/** A rate with a burst, as the generic cell rate algorithm counts it. Times are of any one unit. */
export interface Gcra {
  /** Time between two events that come evenly. */
  readonly interval: number;
  /** Events that may come at once. */
  readonly burst: number;
}

export type GcraVerdict =
  /** `due`: when the next event would be due if all came evenly, which is what is to be remembered. */
  { readonly allowed: true; readonly due: number } | { readonly allowed: false; readonly retryAfter: number };

/**
 * Decides on one event. What is remembered is one number, and nothing once it is in the past.
 *
 * @param due of the event before; 0 when nothing is remembered
 */
export function gcra({ interval, burst }: Gcra, due: number, now: number): GcraVerdict {
  const most = burst * interval;
  // Not further ahead than any burst could have brought it: a clock may be set back.
  const next = Math.max(now, Math.min(due, now + most)) + interval;
  const early = next - most - now;
  return early > 0 ? { allowed: false, retryAfter: early } : { allowed: true, due: next };
}
