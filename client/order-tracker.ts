import { comparePositions, type FlashblockHead } from '../shared/flashblock.ts';
import { SequenceChecker } from '../shared/sequence-checker.ts';
import type { Order, Position, ResumePoint } from './message.ts';

export interface Placed {
  readonly order: Order;
  readonly expected?: readonly Position[];
}

/** Whether a message of this order is where the stream stands now. */
export function isNewest(order: Order): boolean {
  return order !== 'repeat' && order !== 'late';
}

/** Follows the order of a stream by a base node's rules, and keeps the position to resume at. Pure. */
export class OrderTracker {
  readonly #checker: SequenceChecker | undefined;
  #point: ResumePoint | undefined;

  /**
   * @param filtered a stream with holes: its order is not judged
   * @param point what was received before
   */
  constructor(filtered: boolean, point?: ResumePoint) {
    this.#checker = filtered ? undefined : new SequenceChecker();
    if (point === undefined) return;
    this.#point = point;
    this.#checker?.check({ position: point, ...(point.payloadId !== undefined && { payloadId: point.payloadId }) });
  }

  /** The newest flashblock that was taken; what a server is asked to go on behind. */
  get point(): ResumePoint | undefined {
    return this.#point;
  }

  take(head: FlashblockHead): Placed {
    const placed = this.#place(head);
    if (isNewest(placed.order)) this.#point = { ...head.position, payloadId: head.payloadId };
    return placed;
  }

  #place({ position, payloadId, previous }: FlashblockHead): Placed {
    if (this.#checker === undefined) return { order: 'unknown' };
    const latest = this.#checker.latest;
    // A builder builds a position of a payload once, so that these three name a content.
    const contentHash = `${position.blockNumber}-${position.index} ${payloadId}`;
    const verdict = this.#checker.check({ position, payloadId, contentHash });
    if (latest === undefined) return { order: 'first' };
    const ahead = comparePositions(position, latest);
    switch (verdict.verdict) {
      case 'ok':
        // Index 0 of the next block follows any index; what the builder says stood before it shows a block's missing end.
        return previous !== undefined &&
          comparePositions(previous, latest) > 0 &&
          comparePositions(previous, position) < 0
          ? { order: 'gap', expected: [{ ...latest, index: latest.index + 1 }] }
          : { order: 'next' };
      case 'repeat':
        return { order: 'repeat' };
      case 'restart':
        return position.blockNumber > latest.blockNumber
          ? { order: 'gap', expected: successors(latest) }
          : { order: 'restart' };
      case 'violation':
        return { order: ahead > 0 ? 'gap' : 'late', expected: verdict.expected };
    }
  }
}

function successors({ blockNumber, index }: Position): Position[] {
  return [
    { blockNumber, index: index + 1 },
    { blockNumber: blockNumber + 1, index: 0 },
  ];
}
