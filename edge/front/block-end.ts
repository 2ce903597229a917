import type { Position } from '../../shared/flashblock.ts';

/**
 * Tells when the stream stands at a block's end, as far as that can be known while it runs: at a flashblock whose index is
 * at least the last one of the block before (client-protocol: "Drain"). Pure: times are handed in.
 */
export class BlockEnd {
  #blockNumber: number | undefined;
  #startedAt = 0;
  #sawStart = false;
  #lastIndex = -1;
  #previousLastIndex: number | undefined;
  #blockTimeMs: number | undefined;

  /** Takes the next message of the stream; one without a position changes nothing. */
  add(position: Position | undefined, now: number): void {
    if (position === undefined) return;
    const { blockNumber, index } = position;
    if (blockNumber === this.#blockNumber) {
      this.#lastIndex = Math.max(this.#lastIndex, index);
      return;
    }
    const follows = this.#blockNumber !== undefined && blockNumber === this.#blockNumber + 1;
    this.#previousLastIndex = follows ? this.#lastIndex : undefined;
    this.#blockTimeMs = follows && this.#sawStart && index === 0 ? now - this.#startedAt : this.#blockTimeMs;
    this.#blockNumber = blockNumber;
    this.#startedAt = now;
    this.#sawStart = index === 0;
    this.#lastIndex = index;
  }

  /** Whether the newest flashblock is, by the measure of the block before, its block's last. */
  get reached(): boolean {
    return this.#previousLastIndex !== undefined && this.#lastIndex >= this.#previousLastIndex;
  }

  /** Time between the starts of the last two blocks; `undefined` until two have been seen from their start. */
  get blockTimeMs(): number | undefined {
    return this.#blockTimeMs;
  }
}
