import { comparePositions, type Position } from './flashblock.ts';

/** What the checker looks at of one flashblock. */
export interface CheckedFlashblock {
  readonly position: Position;
  /** Where known: tells a new payload for the same block from a late repeat, and a payload that changes within a block. */
  readonly payloadId?: string;
  /** Where known (`contentHashOf`): tells the late repeat of an index 0 from a new run. */
  readonly contentHash?: string;
}

/**
 * `ok`: the next index of the block, or index 0 of the next one, or the first flashblock seen.
 * `repeat`: the latest position again; a base node ignores it with a warning.
 * `restart`: index 0 of another payload for the same block (take-over), or of any other block (restart, skipped blocks).
 * `violation`: anything else; a base node wipes its pending state until the next index 0.
 */
export type SequenceVerdict =
  | { readonly verdict: 'ok' | 'repeat' | 'restart' }
  | { readonly verdict: 'violation'; readonly expected: readonly Position[]; readonly got: Position };

/** Contents remembered to recognise late repeats: as many messages as a history holds by default. */
const MAX_CONTENTS = 256;

/**
 * The sequence rules of a base node (client-protocol: "Timing facts about real consumers"), and one of the stream's own: a
 * block has one payload. One fault is one violation: after a late flashblock the sequence goes on where it was, after a
 * skip behind it.
 */
export class SequenceChecker {
  #latest: CheckedFlashblock | undefined;
  #wiped = true;
  readonly #contents = new Set<string>();

  /** Whether a base node has no pending state now: from a violation, or from the start, to the next index 0. */
  get wiped(): boolean {
    return this.#wiped;
  }

  /** Position of the newest flashblock that was not late. */
  get latest(): Position | undefined {
    return this.#latest?.position;
  }

  /** Takes the next flashblock as it was received. */
  check(flashblock: CheckedFlashblock): SequenceVerdict {
    const verdict = this.#judge(flashblock);
    this.#remember(flashblock.contentHash);
    if (verdict === 'repeat') return { verdict };
    const { latest } = this;
    const { position } = flashblock;
    if (verdict === 'violation') this.#wiped = true;
    else if (position.index === 0) this.#wiped = false;
    if (verdict !== 'violation' || latest === undefined || comparePositions(position, latest) >= 0) {
      this.#latest = flashblock;
    }
    return verdict === 'violation' ? { verdict, expected: successors(latest), got: position } : { verdict };
  }

  #judge({ position, payloadId, contentHash }: CheckedFlashblock): SequenceVerdict['verdict'] {
    const latest = this.#latest;
    if (latest === undefined) return 'ok';
    const { blockNumber, index } = latest.position;
    const sameBlock = position.blockNumber === blockNumber;
    const otherPayload =
      sameBlock && payloadId !== undefined && latest.payloadId !== undefined && payloadId !== latest.payloadId;
    if (sameBlock && position.index === index && !otherPayload) return 'repeat';
    if (contentHash !== undefined && this.#contents.has(contentHash)) return 'violation';
    if (sameBlock && !otherPayload) return position.index === index + 1 ? 'ok' : 'violation';
    if (position.index !== 0) return 'violation';
    return position.blockNumber === blockNumber + 1 ? 'ok' : 'restart';
  }

  #remember(contentHash: string | undefined): void {
    if (contentHash === undefined) return;
    this.#contents.add(contentHash);
    for (const oldest of this.#contents) {
      if (this.#contents.size <= MAX_CONTENTS) return;
      this.#contents.delete(oldest);
    }
  }
}

function successors(latest: Position | undefined): Position[] {
  if (latest === undefined) return [];
  const { blockNumber, index } = latest;
  return [
    { blockNumber, index: index + 1 },
    { blockNumber: blockNumber + 1, index: 0 },
  ];
}
