import type { Envelope } from '../envelope.ts';
import type { BlockRecord, FlashblockRecord } from './contract.ts';

/** What is looked at of a message of the stream. */
export type StreamMessage = Pick<
  Envelope,
  'position' | 'payloadId' | 'receivedAtMs' | 'plainLength' | 'payloadEncoding' | 'restart'
> & { readonly payload?: { readonly length: number } };

/** Some forty seconds of Base's blocks: what fits on a page. */
export const MAX_BLOCKS = 20;
/** Six times those of a block of Base; an index goes up to 65,535. */
export const MAX_FLASHBLOCKS = 64;

/** @returns `undefined` for what is no flashblock, and has no place in a picture of blocks */
export function recordOf(message: StreamMessage, lostBefore: number): FlashblockRecord | undefined {
  const { position, payloadId = '', receivedAtMs, plainLength, payloadEncoding, payload, restart } = message;
  if (position === undefined) return undefined;
  return {
    block: position.blockNumber,
    index: position.index,
    payloadId,
    at: Math.round(receivedAtMs),
    bytes: plainLength,
    packed: payloadEncoding === 'brotli' && payload !== undefined ? payload.length : null,
    restart,
    lostBefore,
  };
}

interface OpenBlock extends BlockRecord {
  readonly flashblocks: FlashblockRecord[];
  leftOut: number;
}

/** The latest blocks with their flashblocks, as the stream brought them. */
export class StreamHistory {
  #blocks: OpenBlock[] = [];

  add(record: FlashblockRecord): void {
    const { block, payloadId } = record;
    const last = this.#blocks.at(-1);
    // A block that another payload takes over, or that comes again after a restart, is another picture.
    if (last?.block !== block || last.payloadId !== payloadId || record.restart) {
      this.#blocks = [...this.#blocks.slice(1 - MAX_BLOCKS), { block, payloadId, flashblocks: [record], leftOut: 0 }];
    } else if (last.flashblocks.length < MAX_FLASHBLOCKS) last.flashblocks.push(record);
    else last.leftOut += 1;
  }

  /** The oldest first; valid until the next {@link add}. */
  get blocks(): readonly BlockRecord[] {
    return this.#blocks;
  }
}
