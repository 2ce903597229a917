/** What goes wrong on demand. Pure: which faults hit which message follows from the seed alone. */
import { MESSAGES_PER_BLOCK } from './chain.ts';
import { Random } from './random.ts';
import type { Position } from '../../shared/flashblock.ts';

/** Rates are shares from 0 to 1 of the messages (of the blocks for `rival`). */
export interface Faults {
  /** Never sent, as when a publisher's own queue overflows. */
  readonly skip: number;
  /** Sent twice in a row. */
  readonly duplicate: number;
  /** Sent after its successor. */
  readonly late: number;
  /** The block is also published under a second payload id, frame by frame beside the first. */
  readonly rival: number;
  /** All connections are cut before the message. */
  readonly dropConnections: number;
  /** After each run of this many messages the publisher is silent for `stallMs`, then sends what it held; 0 for never. */
  readonly stallEvery: number;
  readonly stallMs: number;
}

export const NO_FAULTS: Faults = {
  skip: 0,
  duplicate: 0,
  late: 0,
  rival: 0,
  dropConnections: 0,
  stallEvery: 0,
  stallMs: 0,
};

/** One frame to send: a position of the chain, and which builder's version of it. */
export interface PlannedFrame {
  readonly position: Position;
  readonly variant: 0 | 1;
}

export interface Plan {
  readonly dropConnections: boolean;
  readonly frames: readonly PlannedFrame[];
  /** Silence after these frames, in milliseconds. */
  readonly stallMs: number;
}

/** Sets the faults' draws apart from the chain's, which has the same seed. */
const USE_FAULTS = 101;

/** Where the `number`th message of a chain stands. */
export function positionOf(number: number): Position {
  return { blockNumber: Math.floor(number / MESSAGES_PER_BLOCK), index: number % MESSAGES_PER_BLOCK };
}

/** Turns the chain's messages, one by one in order, into what really goes out. */
export class FaultPlanner {
  readonly #faults: Faults;
  readonly #seed: number;
  #late: readonly PlannedFrame[] = [];
  #planned = 0;

  constructor(faults: Faults, seed: number) {
    this.#faults = faults;
    this.#seed = seed;
  }

  /** @param number counts the chain's messages from its block 0 */
  plan(number: number): Plan {
    const faults = this.#faults;
    const position = positionOf(number);
    const random = new Random(this.#seed, USE_FAULTS, number);
    const dropConnections = random.chance(faults.dropConnections);
    const skip = random.chance(faults.skip);
    const duplicate = random.chance(faults.duplicate);
    const late = random.chance(faults.late);
    const rival = new Random(this.#seed, USE_FAULTS, position.blockNumber, 0).chance(faults.rival);

    const own: PlannedFrame[] = [];
    if (!skip) {
      own.push({ position, variant: 0 });
      if (duplicate) own.push({ position, variant: 0 });
      if (rival) own.push({ position, variant: 1 });
    }
    // Two late messages in a row would only swap with each other, so the second one is on time.
    const withheld = late && this.#late.length === 0;
    const frames = withheld ? [] : [...own, ...this.#late];
    this.#late = withheld ? own : [];
    this.#planned++;
    const stalls = faults.stallEvery > 0 && this.#planned % faults.stallEvery === 0;
    return { dropConnections, frames, stallMs: stalls ? faults.stallMs : 0 };
  }
}
