/**
 * Where a client goes on (client-protocol: "Resume and catch-up"). Pure: the ring, what this edge has had and the oldest
 * message that may be sent again are handed in.
 *
 * A **run** is a stretch of the ring in which positions rise; a restart and a take-over begin another one, and a position
 * occurs once in each run at most. What a client is sent is always one whole stretch of the ring up to its head, so that
 * the seam with the live stream is the cursor itself.
 */
import { comparePositions, type Position } from '../../shared/flashblock.ts';
import type { ResumeOutcome } from '../../shared/metrics/edge-metrics.ts';
import type { Ring, RingEntry } from './contract.ts';
import type { PositionsHad } from './positions-had.ts';

/** What a client received last. */
export interface ClientPosition {
  readonly position: Position;
  /** Tells which one is meant where the position occurs twice. */
  readonly payloadId?: string;
}

/** What a client asks for when it connects. `live`: something that gives no replay, as one half of a position. */
export type ResumeWish =
  | { readonly kind: 'position'; readonly after: ClientPosition }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'live' };

export interface RetainedStream {
  readonly ring: Pick<Ring, 'head' | 'tail' | 'at'>;
  /** Ordinal of the oldest entry that may be sent again; see {@link oldestRetained}. */
  readonly oldest: number;
  readonly had: Pick<PositionsHad, 'isAhead'>;
}

export interface Resume {
  /** `complete`: nothing that this edge knows of is missing; `partial`: something is, or may be; `live`: nothing is sent again. */
  readonly outcome: ResumeOutcome;
  /** Ordinal of the first entry to be sent. */
  readonly cursor: number;
  /** The first position to come; `undefined` while it has not arrived. */
  readonly from: Position | undefined;
  /** Nothing is sent until the stream has come to this. */
  readonly waitsFor?: ClientPosition;
}

/** An entry of the ring that has a position. */
interface Placed {
  readonly ordinal: number;
  readonly position: Position;
  readonly payloadId: string | undefined;
  readonly run: number;
}

/**
 * The oldest entry of a ring that may be sent again: none older than STREAM_RETENTION_MS (redis: "Publishing").
 *
 * @param now milliseconds, by the clock of {@link RingEntry.arrivedAt}
 */
export function oldestRetained(ring: RetainedStream['ring'], now: number, streamRetentionMs: number): number {
  let [from, to] = [ring.tail, ring.head];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const entry = ring.at(middle);
    if (entry !== undefined && now - entry.arrivedAt <= streamRetentionMs) to = middle;
    else from = middle + 1;
  }
  return from;
}

export function resumeFor(wish: ResumeWish, stream: RetainedStream): Resume {
  switch (wish.kind) {
    case 'position':
      return resumeAfter(wish.after, stream);
    case 'snapshot':
      return currentBlock(stream);
    case 'live':
      return live(stream);
  }
}

function resumeAfter(wanted: ClientPosition, stream: RetainedStream): Resume {
  const placed = placedEntries(stream.ring);
  const { position, payloadId } = wanted;
  const occurrences = placed.filter((entry) => comparePositions(entry.position, position) === 0);
  const meant = occurrences.filter((entry) => isPayload(entry.payloadId, payloadId));
  const [first] = meant;
  const newest = meant.at(-1);
  if (first === undefined || newest === undefined) {
    if (stream.had.isAhead(position, occurrences.length === 0)) return { ...live(stream), waitsFor: wanted };
    return fromIndexZero(placed, stream, afterUnretained(wanted, placed, occurrences[0]));
  }
  if (first !== newest) {
    return fromIndexZero(placed, stream, ({ run }) => run >= newest.run, first.ordinal + 1);
  }
  if (first.ordinal + 1 < stream.oldest) {
    return fromIndexZero(placed, stream, ({ ordinal }) => ordinal > first.ordinal);
  }
  return from(first.ordinal + 1, first.ordinal + 1, placed, stream);
}

/** The current block from its index 0, if that is there and its run has not ended since. */
function currentBlock(stream: RetainedStream): Resume {
  const placed = placedEntries(stream.ring);
  const newest = placed.at(-1);
  const start = placed.findLast(
    ({ run, position }) =>
      run === newest?.run && position.blockNumber === newest.position.blockNumber && position.index === 0,
  );
  if (start === undefined || start.ordinal < stream.oldest) return live(stream);
  return from(start.ordinal, start.ordinal, placed, stream);
}

function live({ ring }: RetainedStream): Resume {
  return { outcome: 'live', cursor: ring.head, from: undefined };
}

/**
 * From the oldest index 0 that may be sent again and comes after the client's position.
 *
 * @param isAfter whether an entry comes after it
 * @param missingFrom where the client may stand: nothing is missing only if nothing lies between it and the start
 */
function fromIndexZero(
  placed: readonly Placed[],
  stream: RetainedStream,
  isAfter: (entry: Placed) => boolean,
  missingFrom = -1,
): Resume {
  const start = placed.find(
    (entry) => entry.position.index === 0 && entry.ordinal >= stream.oldest && isAfter(entry),
  )?.ordinal;
  return start === undefined ? live(stream) : from(start, missingFrom, placed, stream);
}

function from(cursor: number, missingFrom: number, placed: readonly Placed[], { ring }: RetainedStream): Resume {
  let whole = missingFrom === cursor;
  for (let ordinal = cursor; whole && ordinal < ring.head; ordinal += 1) whole = ring.at(ordinal)?.lostBefore === 0;
  const next = placed.find(({ ordinal }) => ordinal >= cursor);
  return { outcome: whole ? 'complete' : 'partial', cursor, from: next?.position };
}

/**
 * What comes after a position that the ring does not hold. It was lost in the middle of a run, has left the ring, or was never in
 * this stream; where that is not certain, rather too early than too late.
 *
 * @param other the oldest entry with that position and another payload
 */
function afterUnretained(
  { position, payloadId }: ClientPosition,
  placed: readonly Placed[],
  other: Placed | undefined,
): (entry: Placed) => boolean {
  const { blockNumber } = position;
  const ofPayload = placed.findLast(
    (entry) =>
      payloadId !== undefined &&
      entry.payloadId === payloadId &&
      entry.position.blockNumber === blockNumber &&
      entry.position.index < position.index,
  );
  if (ofPayload !== undefined) return ({ ordinal }) => ordinal > ofPayload.ordinal;
  // Another payload took the block over: the client has nothing of it.
  if (other !== undefined)
    return (entry) => entry.run > other.run || (entry.run === other.run && entry.position.blockNumber >= blockNumber);
  const run = runOf(position, placed);
  return (entry) => entry.run > run || (entry.run === run && comparePositions(entry.position, position) > 0);
}

/**
 * The run that an absent position belongs to: the newest that reaches over it, else the oldest that begins after it. -1: it is
 * above all of them, and so from before a restart that the ring no longer shows.
 */
function runOf(position: Position, placed: readonly Placed[]): number {
  const above = placed.filter((entry) => comparePositions(entry.position, position) > 0);
  const runsBelow = new Set(
    placed.filter((entry) => comparePositions(entry.position, position) < 0).map(({ run }) => run),
  );
  return (above.findLast(({ run }) => runsBelow.has(run)) ?? above[0])?.run ?? -1;
}

function placedEntries(ring: RetainedStream['ring']): Placed[] {
  const placed: Placed[] = [];
  let run = 0;
  for (let ordinal = ring.tail; ordinal < ring.head; ordinal += 1) {
    const { position, payloadId, restart } = ring.at(ordinal)?.envelope ?? {};
    if (position === undefined) continue;
    const before = placed.at(-1);
    if (before !== undefined && (restart === true || comparePositions(position, before.position) <= 0)) run += 1;
    placed.push({ ordinal, position, payloadId, run });
  }
  return placed;
}

/** Whether a payload may be the one that is meant; only two that are known can differ. */
function isPayload(payloadId: string | undefined, wanted: string | undefined): boolean {
  return payloadId === undefined || wanted === undefined || payloadId === wanted;
}

/**
 * How a waiting client's position stands to an entry that has come. `reached`: it is the entry's own. `before`: the position
 * may still come; so it may while another payload of its block does, as one that takes a block over comes after all frames
 * of the former.
 */
export function compareToEntry(
  { position, payloadId }: ClientPosition,
  { envelope }: Pick<RingEntry, 'envelope'>,
): 'before' | 'reached' | 'passed' {
  if (envelope.position === undefined) return 'before';
  const isOther = !isPayload(envelope.payloadId, payloadId);
  if (isOther && envelope.position.blockNumber === position.blockNumber) return 'before';
  const order = comparePositions(envelope.position, position);
  if (order < 0) return 'before';
  return order === 0 ? 'reached' : 'passed';
}
