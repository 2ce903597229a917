/** Four bytes as one 32-bit number; what lies behind the end counts as 0. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** Knuth's multiplicative constant: spreads what differs in few bits over all. */
export const SPREAD = 0x9e37_79b1;
