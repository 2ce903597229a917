import { comparePositions, type FlashblockHead, type Position } from '../../shared/flashblock.ts';

/**
 * Whether something is missing between the last accepted position and a flashblock that stands after it (rule 4): it is
 * neither the next index nor index 0 of the next block. Where the flashblock names its predecessor, a predecessor beyond
 * the last position shows a gap at the block's end too, and the last position itself proves that there is none.
 */
export function isEarly({ position, previous }: FlashblockHead, last: Position): boolean {
  if (previous !== undefined && comparePositions(previous, position) < 0) {
    const beyond = comparePositions(previous, last);
    if (beyond >= 0) return beyond > 0;
  }
  return position.blockNumber === last.blockNumber
    ? position.index !== last.index + 1
    : position.blockNumber !== last.blockNumber + 1 || position.index !== 0;
}
