import { comparePositions, readFlashblockHead, type Position } from '../../shared/flashblock.ts';

/** Messages kept: as many as a history holds by default. */
const MAX_KEPT = 256;

/** What a builder sent lately, for upstreams that serve `block_number` and `flashblock_index` as base's publisher does. */
export class UpstreamHistory {
  readonly #kept: { readonly position: Position; readonly json: Buffer }[] = [];

  add(json: Buffer): void {
    const position = readFlashblockHead(json)?.position;
    if (position === undefined) return;
    this.#kept.push({ position, json });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
  }

  /** What was sent behind the position that a request's URL names, in the order in which it was sent. */
  behind(url: string): readonly Buffer[] {
    const query = new URL(url, 'ws://builder').searchParams;
    const [block, index] = [query.get('block_number'), query.get('flashblock_index')];
    if (block === null || index === null) return [];
    const named = { blockNumber: Number(block), index: Number(index) };
    return this.#kept.filter(({ position }) => comparePositions(position, named) > 0).map(({ json }) => json);
  }
}
