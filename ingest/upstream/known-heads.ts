import { readFlashblockHead, type FlashblockHead } from '../../shared/flashblock.ts';

/** Contents whose head is remembered: the deduplication window, for two upstreams of which one lags. */
export const MAX_KNOWN_HEADS = 128;

/**
 * Reads heads, each content's once: what a second upstream delivers with the same bytes, its hash names, and it need not be
 * parsed again.
 */
export class KnownHeads {
  /** `null`: no flashblock. */
  readonly #heads = new Map<string, FlashblockHead | null>();

  get size(): number {
    return this.#heads.size;
  }

  /** @returns `undefined` when the message is no flashblock */
  read(content: Buffer, contentHash: string): FlashblockHead | undefined {
    const known = this.#heads.get(contentHash);
    if (known !== undefined) return known ?? undefined;
    const head = readFlashblockHead(content);
    if (this.#heads.size >= MAX_KNOWN_HEADS) {
      const oldest = this.#heads.keys().next();
      if (oldest.done !== true) this.#heads.delete(oldest.value);
    }
    this.#heads.set(contentHash, head ?? null);
    return head;
  }
}
