/** What a chain's messages weigh, in plain bytes. */
export interface Profile {
  /** A usual message behind index 0. */
  readonly usual: { readonly low: number; readonly high: number };
  /** One in a hundred. */
  readonly heavy: { readonly low: number; readonly high: number };
  /** The share of a message that its receipts and balances take; 0 for none, as on Base today. */
  readonly receipts: number;
}

/** Measured shapes: see upstream-and-stream, "Sizes", for `base` and `receipts`; `huge` is what some chains reach at times. */
export const PROFILES = {
  base: { usual: { low: 26_000, high: 44_000 }, heavy: { low: 80_000, high: 100_000 }, receipts: 0 },
  receipts: { usual: { low: 52_000, high: 115_000 }, heavy: { low: 150_000, high: 220_000 }, receipts: 0.6 },
  small: { usual: { low: 1_600, high: 6_000 }, heavy: { low: 9_000, high: 14_000 }, receipts: 0 },
  huge: { usual: { low: 1_000_000, high: 1_600_000 }, heavy: { low: 2_200_000, high: 3_000_000 }, receipts: 0.4 },
} as const satisfies Readonly<Record<string, Profile>>;

export type ProfileName = keyof typeof PROFILES;
export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[];
