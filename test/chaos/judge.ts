/** Compares what clients received with what was published. Pure. */
import type { Seam } from '../support/base-node.ts';
import type { TruthEntry } from './truth.ts';

/** A moment from which on the fault is over, by `performance.now()`. */
export interface Mark {
  readonly what: string;
  readonly at: number;
}

/** What one client received. */
export interface ClientRecord {
  readonly number: number;
  /** Content hashes in the order of arrival, and when each came. */
  readonly received: readonly string[];
  readonly receivedAt: readonly number[];
  /** Where its connections began. */
  readonly seams: readonly Seam[];
}

export interface ClientVerdict {
  readonly number: number;
  /** Places in the truth that it never got, from its first message to the end. */
  readonly lost: readonly number[];
  /** How many of these a `Flashcast-Resume` of `partial` or `live` told it of. */
  readonly told: number;
  /** Places that it got more than once. */
  readonly repeated: readonly number[];
  /** Places that came after a later one, for the first time. */
  readonly outOfOrder: readonly number[];
  /** Messages that are not in the truth. */
  readonly foreign: number;
  /** Longest time for which a published message that it had not got was waited for, nothing else coming either. */
  readonly silenceMs: number;
  /**
   * How long after each mark it had all that was published before, and took less than that long for what came next; of messages
   * that it lost right after the mark, until the first that it got.
   */
  readonly recoveredMs: readonly number[];
}

/**
 * @param endedAt when the client's record ends, by the clock of the times in it
 */
export function judgeClient(
  truth: readonly TruthEntry[],
  client: ClientRecord,
  marks: readonly Mark[],
  endedAt: number,
): ClientVerdict {
  const places = new Map(truth.map(({ contentHash }, place) => [contentHash, place]));
  const placed = client.received.map((contentHash) => places.get(contentHash));
  const arrivals = new Map<number, number>();
  const repeated: number[] = [];
  const outOfOrder: number[] = [];
  let highest = -1;
  let silenceMs = 0;
  let before: number | undefined;
  const wait = (until: number): void => {
    const awaited = truth[highest + 1];
    if (before === undefined || awaited === undefined) return;
    silenceMs = Math.max(silenceMs, until - Math.max(before, awaited.publishedAt));
  };
  for (const [at, place] of placed.entries()) {
    const now = client.receivedAt[at] ?? 0;
    wait(now);
    before = now;
    if (place === undefined) continue;
    if (arrivals.has(place)) repeated.push(place);
    else if (place < highest) outOfOrder.push(place);
    if (!arrivals.has(place)) arrivals.set(place, now);
    highest = Math.max(highest, place);
  }
  wait(endedAt);
  const first = placed.find((place) => place !== undefined) ?? 0;
  const lost = truth.flatMap((_, place) => (place >= first && !arrivals.has(place) ? [place] : []));
  return {
    number: client.number,
    lost,
    told: lost.filter((place) => toldAt(client.seams, placed, place)).length,
    repeated,
    outOfOrder,
    foreign: placed.filter((place) => place === undefined).length,
    silenceMs,
    recoveredMs: marks.map(({ at }) => recovery(truth, first, arrivals, at)),
  };
}

/** Whether a resume that said so passed the place over. */
function toldAt(seams: readonly Seam[], placed: readonly (number | undefined)[], place: number): boolean {
  return seams.some(({ at, outcome }) => {
    if (outcome !== 'partial' && outcome !== 'live') return false;
    const last = placed.slice(0, at).findLast((known) => known !== undefined);
    const next = placed.slice(at).find((known) => known !== undefined) ?? Infinity;
    return last !== undefined && last < place && place < next;
  });
}

function recovery(
  truth: readonly TruthEntry[],
  first: number,
  arrivals: ReadonlyMap<number, number>,
  mark: number,
): number {
  let recoveredMs = 0;
  let due: number | undefined;
  for (const [place, { publishedAt }] of truth.entries()) {
    if (place < first) continue;
    const arrival = arrivals.get(place);
    if (publishedAt < mark) recoveredMs = Math.max(recoveredMs, (arrival ?? mark) - mark);
    else {
      due ??= publishedAt;
      if (arrival !== undefined) return Math.max(recoveredMs, arrival - due);
    }
  }
  return truth.at(-1)!.publishedAt < mark ? recoveredMs : Infinity;
}
