/** A worker that lived so long was well: what ended it then is no part of a series. */
const WELL_AFTER_MS = 60_000;
/** The first replacement comes almost at once, as its clients are on their way back. */
const FIRST_DELAY_MS = 100;
/** A start costs a core some 500 ms: at this pace a worker that always dies leaves the others their cores. */
const MAX_DELAY_MS = 10_000;
/** Ends in a row after which a worker is not expected to come back: some 3 s of trying. */
const HOPELESS_AFTER = 5;

/** How soon a worker that has ended is replaced: doubling from end to end. Pure. */
export class Restarts {
  #inARow = 0;

  /** @returns milliseconds until the replacement is started */
  ended(livedMs: number): number {
    this.#inARow = livedMs >= WELL_AFTER_MS ? 1 : this.#inARow + 1;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#inARow - 1), MAX_DELAY_MS);
  }

  /** Whether replacements die one after the other. */
  get hopeless(): boolean {
    return this.#inARow >= HOPELESS_AFTER;
  }
}
