import type { Position } from '../../shared/flashblock.ts';

/** A message that clients are to get. */
export interface TruthEntry {
  readonly position: Position;
  readonly contentHash: string;
  /** When the first builder sent it, by `performance.now()`. */
  readonly publishedAt: number;
}

/** What the builders published, in its one right order: made by those who send, knows nothing of flashcast. */
export class Truth {
  readonly #entries: TruthEntry[] = [];

  get entries(): readonly TruthEntry[] {
    return this.#entries;
  }
  get length(): number {
    return this.#entries.length;
  }

  add(entry: TruthEntry): void {
    this.#entries.push(entry);
  }

  /** Takes out what the stream rightly refuses, such as the beginning of a chain that runs on elsewhere. @returns how many */
  refuse(refused: (entry: TruthEntry, at: number) => boolean): number {
    const before = this.#entries.length;
    this.#entries.splice(0, before, ...this.#entries.filter((entry, at) => !refused(entry, at)));
    return before - this.#entries.length;
  }
}
