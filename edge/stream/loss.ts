/** What is known to be missing between two messages, by the rules of redis ("An edge's subscription"). */
import type { Envelope } from '../../shared/envelope.ts';
import type { Position } from '../../shared/flashblock.ts';

/** The end of the stream as an edge has it. */
export interface StreamCursor {
  readonly epoch: string;
  readonly sequence: number;
  readonly token: string;
  /** The epoch before `epoch`. */
  readonly previousEpoch: string;
}

/** What is counted of a jump ends here: a longer one may be another chain or an absurd block (upstream-and-stream, rule 3). */
const MAX_COUNTED_BLOCKS = 64;

/**
 * Counts by number. Within an epoch numbers have no gaps, and they rise over epochs, so that the first number of an epoch
 * follows the last of the one before.
 *
 * @param cursor the message that the edge dealt with last
 * @param highest highest number that the edge has accounted for; above the cursor's after a failover that lost writes
 * @param next the message that comes next, as far as the edge can know
 * @param predecessorSeen the edge dealt with the message that stands before `next`
 */
export function lostByNumber(
  cursor: StreamCursor,
  highest: number,
  next: Pick<Envelope, 'epoch' | 'sequence' | 'predecessor' | 'previousSequence'>,
  predecessorSeen: boolean,
): number {
  if (next.epoch === cursor.epoch) {
    // An unknown predecessor is at least one message, also where a failover gave its number twice.
    return predecessorSeen ? 0 : Math.max(1, next.sequence - cursor.sequence - 1);
  }
  const skipped = next.sequence - highest - 1;
  if (predecessorSeen || next.predecessor === '') return Math.max(0, skipped);
  return skipped > 0 ? skipped : Math.max(1, next.sequence - next.previousSequence - 1);
}

/**
 * Counts by position, for where the numbers cannot tell because the last writer died together with the stored stream. It
 * is what is missing at least: how many indexes a block had that nothing came of is unknown.
 */
export function lostByPosition(last: Position, next: Position): number {
  const blocks = next.blockNumber - last.blockNumber;
  if (blocks === 0) return Math.max(0, next.index - last.index - 1);
  return blocks < 0 ? 0 : next.index + Math.min(blocks, MAX_COUNTED_BLOCKS) - 1;
}
