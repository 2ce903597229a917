import { MAX_RECENT_CONTENTS } from '../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../message.ts';

/**
 * Contents that were decided on and then let go unpublished. The sequencer still remembers them, the newest
 * {@link MAX_RECENT_CONTENTS} at most; a new epoch that knew them would have other ingests drop their copies.
 */
export class LetGoContents {
  /** The longest known first. */
  readonly #hashes = new Set<string>();

  add({ contentHash }: UpstreamMessage): void {
    this.#hashes.delete(contentHash);
    this.#hashes.add(contentHash);
    if (this.#hashes.size <= MAX_RECENT_CONTENTS) return;
    const oldest = this.#hashes.values().next();
    if (oldest.done !== true) this.#hashes.delete(oldest.value);
  }

  /** The content went in after all. */
  delete({ contentHash }: UpstreamMessage): void {
    this.#hashes.delete(contentHash);
  }

  has(contentHash: string): boolean {
    return this.#hashes.has(contentHash);
  }

  get size(): number {
    return this.#hashes.size;
  }
}
