import type { Position } from '../../shared/flashblock.ts';
import type { UpstreamMessage } from '../message.ts';

/** Frames kept of one payload (rule 2). A block has about ten. */
const MAX_KEPT_FRAMES = 64;

/** Bytes kept of one payload, in messages of the greatest size (rule 2). */
const MAX_KEPT_MESSAGES_OF_BYTES = 4;

/** Blocks whose frames are kept: a refused publish may lead from the newest block back to the one before. */
const MAX_KEPT_BLOCKS = 2;

/** The frames of one payload, by index. */
export class PayloadFrames {
  readonly payloadId: string;
  readonly #maxBytes: number;
  readonly #frames = new Map<number, UpstreamMessage>();
  #bytes = 0;
  #highest = -1;
  #overflowed = false;

  constructor(payloadId: string, maxBytes: number) {
    this.payloadId = payloadId;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#frames.size;
  }

  /** Whether every frame from index 0 to the highest seen is here. */
  get whole(): boolean {
    return !this.#overflowed && this.#highest >= 0 && this.#frames.size === this.#highest + 1;
  }

  /** Keeps a frame; the first of an index stays. Past the bounds it is not kept, and the payload is not whole any more. */
  add(index: number, message: UpstreamMessage): void {
    if (this.#frames.has(index)) return;
    if (this.#frames.size >= MAX_KEPT_FRAMES || this.#bytes + message.content.length > this.#maxBytes) {
      this.#overflowed = true;
      return;
    }
    this.#frames.set(index, message);
    this.#bytes += message.content.length;
    this.#highest = Math.max(this.#highest, index);
  }

  /** In order of index, those above `index`. */
  after(index: number): UpstreamMessage[] {
    return [...this.#frames.entries()]
      .filter(([at]) => at > index)
      .sort(([a], [b]) => a - b)
      .map(([, message]) => message);
  }
}

interface BlockPayloads {
  readonly blockNumber: number;
  winner: PayloadFrames;
  rival: PayloadFrames | undefined;
}

/**
 * The frames of the payload that won a block and of one other payload (rule 2): what a take-over puts out, and what is
 * decided again when a learnt state names the other payload. Of each payload at most {@link MAX_KEPT_FRAMES} frames and
 * 4 x MAX_MESSAGE_BYTES, of the newest two blocks.
 */
export class BlockFrames {
  readonly #maxBytes: number;
  /** The current block last. */
  #blocks: BlockPayloads[] = [];

  /** @param maxMessageBytes greatest plain size of one message */
  constructor(maxMessageBytes: number) {
    this.#maxBytes = MAX_KEPT_MESSAGES_OF_BYTES * maxMessageBytes;
  }

  /** The current block's other payload; `undefined` when none was kept from its index 0. */
  get rival(): PayloadFrames | undefined {
    return this.#blocks.at(-1)?.rival;
  }

  /** A flashblock was accepted: its payload is the winner of its block, which is the current one. */
  accepted({ position, payloadId }: NonNullable<UpstreamMessage['head']>, message: UpstreamMessage): void {
    this.#win(position.blockNumber, payloadId).winner.add(position.index, message);
  }

  /** Keeps a frame that lost against the current block's winner, if it belongs to the one payload that is kept from its index 0. */
  conflicted({ position, payloadId }: NonNullable<UpstreamMessage['head']>, message: UpstreamMessage): void {
    const block = this.#blocks.at(-1);
    if (block?.blockNumber !== position.blockNumber) return;
    if (block.rival === undefined && position.index === 0) {
      block.rival = new PayloadFrames(payloadId, this.#maxBytes);
    }
    if (block.rival?.payloadId === payloadId) block.rival.add(position.index, message);
  }

  /**
   * The state was learnt. Where it names another payload for its block, the former winner's frames become the kept ones.
   *
   * @returns the kept frames after that position when the payload was the kept one until now, in order
   */
  learnt(position: Position, payloadId: string): UpstreamMessage[] {
    const known = this.#blocks.find(({ blockNumber }) => blockNumber === position.blockNumber);
    const lost = known !== undefined && known.winner.payloadId !== payloadId;
    const { winner } = this.#win(position.blockNumber, payloadId);
    return lost ? winner.after(position.index) : [];
  }

  clear(): void {
    this.#blocks = [];
  }

  #win(blockNumber: number, payloadId: string): BlockPayloads {
    let block = this.#blocks.find((known) => known.blockNumber === blockNumber);
    if (block === undefined) {
      block = { blockNumber, winner: new PayloadFrames(payloadId, this.#maxBytes), rival: undefined };
    } else if (block.winner.payloadId !== payloadId) {
      const { winner, rival } = block;
      block.winner = rival?.payloadId === payloadId ? rival : new PayloadFrames(payloadId, this.#maxBytes);
      block.rival = winner;
    }
    if (this.#blocks.at(-1) !== block) {
      this.#blocks = [...this.#blocks.filter((known) => known !== block), block].slice(-MAX_KEPT_BLOCKS);
    }
    return block;
  }
}
