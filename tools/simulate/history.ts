import { comparePositions, type Position } from '../../shared/flashblock.ts';

/** A frame as it was sent, and where its message stands; frames without a position are not resumed at. */
export interface SentFrame {
  readonly payload: Buffer;
  readonly binary: boolean;
  readonly position: Position | undefined;
}

/** Frames kept at most: as many as a history of flashcast holds by default. */
const MAX_FRAMES = 256;
/** Bytes of these at most, so that huge messages do not fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

const WHOLE = /^\d{1,16}$/;

/** What was sent lately, for clients that name where they stopped as base's flashblock publisher lets them. */
export class SentHistory {
  readonly #frames: SentFrame[] = [];
  #bytes = 0;

  get size(): number {
    return this.#frames.length;
  }

  add(frame: SentFrame): void {
    this.#frames.push(frame);
    this.#bytes += frame.payload.length;
    while (this.#frames.length > MAX_FRAMES || (this.#bytes > MAX_BYTES && this.#frames.length > 1))
      this.#bytes -= this.#frames.shift()?.payload.length ?? 0;
  }

  /**
   * What was sent behind the position in a request's query: behind its last frame, or where that is no longer kept, the frames of
   * later positions.
   *
   * @param url path and query of the request
   * @returns nothing where the query names no position: `block_number` and `flashblock_index`, both whole numbers
   */
  behind(url: string): readonly SentFrame[] {
    const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
    const [block, index] = [query.get('block_number') ?? '', query.get('flashblock_index') ?? ''];
    if (!url.includes('?') || !WHOLE.test(block) || !WHOLE.test(index)) return [];
    const named = { blockNumber: Number(block), index: Number(index) };
    const compare = ({ position }: SentFrame): number =>
      position === undefined ? NaN : comparePositions(position, named);
    const at = this.#frames.findLastIndex((frame) => compare(frame) === 0);
    return at === -1 ? this.#frames.filter((frame) => compare(frame) > 0) : this.#frames.slice(at + 1);
  }
}
