import type { Position } from '../flashblock.ts';
import type { Race } from './contract.ts';

/** A message as an upstream delivered it. */
export interface Arrival {
  /** Place of the upstream in UPSTREAM_WS, from 0. */
  readonly upstream: number;
  readonly contentHash: string;
  readonly head?: { readonly position: Position };
}

/** Some twenty seconds of Base's flashblocks: what fits on a page. */
export const MAX_RACES = 100;

/** Who brought each of the latest flashblocks first, and how far behind the others were. */
export class RaceHistory {
  /** By content, in order of the first arrival. */
  readonly #races = new Map<string, Race>();
  #nextId = 0;

  /** @returns the race that began; `undefined` for what is no flashblock */
  first({ upstream, contentHash, head }: Arrival): Race | undefined {
    if (head === undefined) return undefined;
    const { blockNumber, index } = head.position;
    const race: Race = { id: this.#nextId++, block: blockNumber, index, first: upstream, behind: [] };
    this.#races.delete(contentHash);
    this.#races.set(contentHash, race);
    if (this.#races.size > MAX_RACES) {
      const oldest = this.#races.keys().next();
      if (oldest.done !== true) this.#races.delete(oldest.value);
    }
    return race;
  }

  /** @returns the race as it stands now; `undefined` where it is forgotten, or the upstream is in it already */
  behind({ upstream, contentHash }: Arrival, lagMs: number): Race | undefined {
    const race = this.#races.get(contentHash);
    if (race === undefined || race.first === upstream || race.behind.some(([other]) => other === upstream))
      return undefined;
    const now: Race = { ...race, behind: [...race.behind, [upstream, Math.round(lagMs * 100) / 100]] };
    this.#races.set(contentHash, now);
    return now;
  }

  /** The oldest first. */
  get races(): readonly Race[] {
    return [...this.#races.values()];
  }
}
