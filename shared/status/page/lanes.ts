/** Where the flashblocks of a block stand in the picture: place by time, height by size. Pure. */
import type { BlockRecord, FlashblockRecord } from '../contract.ts';

export interface Bar {
  readonly flashblock: FlashblockRecord;
  /** Milliseconds since the block began. */
  readonly atMs: number;
  /** Part of the largest, above 0, at most 1. */
  readonly size: number;
}

export interface Lane {
  readonly block: BlockRecord;
  readonly bars: readonly Bar[];
  /** Indices below the last that did not come, each with the time at which it was due. */
  readonly missing: readonly { readonly index: number; readonly atMs: number }[];
  readonly bytes: number;
}

export interface Picture {
  /** The newest first. */
  readonly lanes: readonly Lane[];
  /** What the whole width stands for, milliseconds. */
  readonly spanMs: number;
  readonly largestBytes: number;
}

/** A block of Base takes 2 s. */
const MIN_SPAN_MS = 2000;
/** What comes later stands at the edge: one stall would press all others together. */
const MAX_SPAN_MS = 6000;
/** Of Base; until a block shows its own. */
const USUAL_INTERVAL_MS = 200;

/** A gap longer than this is only drawn at its beginning. */
const MAX_MISSING = 16;

export function layOut(blocks: readonly BlockRecord[], count: number): Picture {
  const shown = blocks.slice(-count).toReversed();
  const largestBytes = Math.max(1, ...shown.flatMap(({ flashblocks }) => flashblocks.map(({ bytes }) => bytes)));
  const lanes = shown.map((block) => layOutBlock(block, largestBytes));
  const latest = Math.max(0, ...lanes.flatMap(({ bars }) => bars.map(({ atMs }) => atMs)));
  const spanMs = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, Math.ceil(latest / 500) * 500));
  return { lanes, spanMs, largestBytes };
}

function layOutBlock(block: BlockRecord, largestBytes: number): Lane {
  const { flashblocks } = block;
  const beganAt = beginningOf(flashblocks);
  const bars = flashblocks.map((flashblock) => ({
    flashblock,
    atMs: Math.max(0, flashblock.at - beganAt),
    size: Math.max(flashblock.bytes / largestBytes, 0.01),
  }));
  return { block, bars, missing: missingOf(bars), bytes: flashblocks.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** When index 0 came; where it did not, when it would have. */
function beginningOf(flashblocks: readonly FlashblockRecord[]): number {
  const [first] = flashblocks;
  return first === undefined ? 0 : first.at - first.index * USUAL_INTERVAL_MS;
}

/** Spread evenly between the neighbours; those at the beginning from the block's begin on. */
function missingOf(bars: readonly Bar[]): Lane['missing'] {
  return bars.flatMap(({ flashblock, atMs }, place) => {
    const before = bars[place - 1];
    const last = before === undefined ? -1 : before.flashblock.index;
    const gap = Math.max(0, flashblock.index - last - 1);
    const [fromMs, begin] = before === undefined ? [0, 0] : [before.atMs, 1];
    const stepMs = (atMs - fromMs) / Math.max(1, gap + begin);
    return Array.from({ length: Math.min(gap, MAX_MISSING) }, (_, step) => ({
      index: last + 1 + step,
      atMs: fromMs + (step + begin) * stepMs,
    }));
  });
}
