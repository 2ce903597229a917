import { MAX_JUMP_BLOCKS } from './decide.ts';

/** A chain that an upstream delivers and rule 3 refuses. */
interface RefusedRun {
  /** When its first index 0 was refused, in milliseconds of the monotonic clock. */
  readonly firstAt: number;
  lastBlock: number;
  /** Successive blocks of which index 0 was refused. */
  blocks: number;
}

/** Blocks that make a run (rule 3: "index 0 of two successive blocks"). */
const BLOCKS_OF_A_RUN = 2;

/**
 * Watches for a chain that runs on elsewhere (rule 3, "Restart"): per upstream, the successive blocks of which rule 3
 * refused index 0. One upstream alone may start a new run, and only one that delivers nothing of the present run.
 */
export class RestartWatch {
  readonly #restartMs: number;
  /** By upstream, so bounded by their number. */
  readonly #runs = new Map<number, RefusedRun>();

  constructor(restartMs: number) {
    this.#restartMs = restartMs;
  }

  /** Rule 3 refused index 0 of a block. */
  refused(upstream: number, blockNumber: number, now: number): void {
    const run = this.#runs.get(upstream);
    if (run?.lastBlock === blockNumber) return;
    if (run?.lastBlock === blockNumber - 1) {
      run.lastBlock = blockNumber;
      run.blocks += 1;
    } else {
      this.#runs.set(upstream, { firstAt: now, lastBlock: blockNumber, blocks: 1 });
    }
  }

  /** The upstream delivered a flashblock of the present run. */
  follows(upstream: number): void {
    this.#runs.delete(upstream);
  }

  /** Whether index 0 of this block may start a new run, as far as its upstream is concerned. */
  allows(upstream: number, blockNumber: number, now: number): boolean {
    const run = this.#runs.get(upstream);
    if (run === undefined || run.blocks < BLOCKS_OF_A_RUN || now - run.firstAt < this.#restartMs) return false;
    return blockNumber > run.lastBlock && blockNumber - run.lastBlock <= MAX_JUMP_BLOCKS;
  }
}
