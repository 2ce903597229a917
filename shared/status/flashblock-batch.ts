import type { FlashblockRecord, FlashblocksEvent, Race } from './contract.ts';

/** At ten batches a second more than any eye follows; a history that is read at once is longer. */
export const MAX_BATCH = 64;

/** Flashblocks and races between two events to the pages. */
export class FlashblockBatch {
  #flashblocks: FlashblockRecord[] = [];
  #leftOut = 0;
  /** By their ids: of a race that is told twice, the latest. */
  #races = new Map<number, Race>();

  add(record: FlashblockRecord): void {
    this.#flashblocks.push(record);
    if (this.#flashblocks.length <= MAX_BATCH) return;
    // The newest say where the stream is.
    this.#flashblocks.shift();
    this.#leftOut += 1;
  }

  race(race: Race): void {
    this.#races.set(race.id, race);
    if (this.#races.size <= MAX_BATCH) return;
    const oldest = this.#races.keys().next();
    if (oldest.done !== true) this.#races.delete(oldest.value);
  }

  /** @returns what came since the last call; `undefined` when nothing did */
  take(): FlashblocksEvent | undefined {
    if (this.#flashblocks.length === 0 && this.#races.size === 0) return undefined;
    const event = { flashblocks: this.#flashblocks, races: [...this.#races.values()], leftOut: this.#leftOut };
    this.#flashblocks = [];
    this.#races = new Map();
    this.#leftOut = 0;
    return event;
  }
}
