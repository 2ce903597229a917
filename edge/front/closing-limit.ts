/** Reconnects are counted over such stretches: two blocks of a chain whose blocks take 2 s. */
export const STRETCH_MS = 4000;

interface Closing {
  readonly atMs: number;
  readonly clients: number;
}

/**
 * Bounds how many clients are closed within any {@link STRETCH_MS}. Clients leave at block ends, in bursts, and three of these may
 * fall into one stretch; what goes over the bound leaves with the next burst. Remembers one stretch of closings.
 */
export class ClosingLimit {
  readonly #perStretch: number;
  #recent: readonly Closing[] = [];

  /** @param perStretch clients, at least 1 */
  constructor(perStretch: number) {
    this.#perStretch = perStretch;
  }

  /** How many may be closed now. */
  room(nowMs: number): number {
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < STRETCH_MS);
    return Math.max(this.#perStretch - this.#recent.reduce((sum, { clients }) => sum + clients, 0), 0);
  }

  closed(clients: number, nowMs: number): void {
    if (clients > 0) this.#recent = [...this.#recent, { atMs: nowMs, clients }];
  }
}
