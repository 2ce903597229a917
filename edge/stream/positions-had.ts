import { comparePositions, type Position } from '../../shared/flashblock.ts';

/** Positions without a jump in between, from the first to the last. */
interface Stretch {
  readonly first: Position;
  last: Position;
}

/** A jump of more blocks begins another stretch: what lies in it was not had (upstream-and-stream, rule 3). */
const JUMP_BLOCKS = 64;
/** Stretches remembered; each restart of the chain makes one, and a client's position is seconds old. */
const MAX_STRETCHES = 16;
/** How far another edge may be ahead of this one: blocks of the 5 s that a client waits, on the fastest chains. */
const AHEAD_BLOCKS = 16;

/** The positions that this edge has had since its start, however far the ring reaches. */
export class PositionsHad {
  readonly #stretches: Stretch[] = [];
  #highest: Position | undefined;

  /**
   * Takes the next position of the stream.
   *
   * @param restart whether the message says that it begins a new run
   * @returns whether the chain begins anew, as the message says or as it stands in a lower block; a take-over goes back within
   *   its block only
   */
  add(position: Position, restart: boolean): boolean {
    const stretch = this.#stretches.at(-1);
    const newRun = restart || (stretch !== undefined && comparePositions(position, stretch.last) <= 0);
    if (stretch === undefined || newRun || position.blockNumber - stretch.last.blockNumber > JUMP_BLOCKS) {
      this.#stretches.push({ first: position, last: position });
      if (this.#stretches.length > MAX_STRETCHES) this.#stretches.shift();
    } else {
      stretch.last = position;
    }
    if (this.#highest === undefined || comparePositions(position, this.#highest) > 0) this.#highest = position;
    return restart || (stretch !== undefined && position.blockNumber < stretch.last.blockNumber);
  }

  /** How many stretches are remembered. */
  get stretches(): number {
    return this.#stretches.length;
  }

  /**
   * Whether the stream has yet to come to a position: it is ahead of every one that this edge has had, those before a restart
   * included; or, as a chain that runs on lower after a restart stays below those for long, a moment ahead of the newest
   * and in no stretch that this edge has had.
   *
   * @param had `false`: the position is known to be none of those that this edge has had, as its payload is another
   */
  isAhead(position: Position, had = true): boolean {
    const newest = this.#stretches.at(-1)?.last;
    if (this.#highest === undefined || newest === undefined) return true;
    if (comparePositions(position, this.#highest) > 0) return true;
    if (comparePositions(position, newest) <= 0) return false;
    if (position.blockNumber - newest.blockNumber > AHEAD_BLOCKS) return false;
    return !had || !this.#stretches.some((stretch) => isWithin(position, stretch));
  }
}

function isWithin(position: Position, { first, last }: Stretch): boolean {
  return comparePositions(position, first) >= 0 && comparePositions(position, last) <= 0;
}
