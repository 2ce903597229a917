import type { Position } from '../../shared/flashblock.ts';

/** `block-index` as a position. */
export function parsePosition(text: string): Position {
  const [blockNumber, index] = text.split('-').map(Number);
  return { blockNumber: blockNumber!, index: index! };
}
