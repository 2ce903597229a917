/**
 * How an edge follows the backplane (redis: "An edge's subscription"). A pure state machine: what happens is handed in, what
 * is to be done comes out as a list of actions; it has no socket, no timer and no clock but {@link Follower.tick}.
 *
 * 1. The live feed works: the history is read and fills the ring. Live messages wait.
 * 2. Each live message that is the very next one, by token and number, is delivered at once.
 * 3. Any other waits, the history is read, and the seam is made of both: the history from the newest message that this
 *    edge has dealt with, then what waits. What the history has no more is counted as lost.
 * 4. The stored head is looked at once a second; a head that this edge has not dealt with leads to 3.
 *
 * One history read is under way at a time. A read that fails or leads nowhere is repeated after {@link RETRY_MS}.
 */
import type { HistoryRead, StreamBounds, StreamHead } from '../../shared/backplane/backplane.ts';
import type { Envelope } from '../../shared/envelope.ts';
import { Continuity } from './continuity.ts';
import type { Delivery } from './contract.ts';
import { WaitingMessages } from './waiting.ts';

/** Where a delivery comes from: `fill` the first read, `live` the channel, `history` skipped by the channel. */
export type DeliverySource = 'fill' | 'live' | 'history';

export type FollowerAction =
  | { readonly action: 'deliver'; readonly delivery: Delivery; readonly source: DeliverySource }
  /** Answer with {@link Follower.historyRead} or {@link Follower.historyFailed}. */
  | { readonly action: 'readHistory'; readonly afterSequence: number }
  | { readonly action: 'epochChanged' }
  /** The stored head is in no history that can be read: what it stands for is lost if it comes by no other way. */
  | { readonly action: 'headMissing'; readonly sequence: number };

/** The interval of the head check: a history that leads nowhere is not asked more often. */
const RETRY_MS = 1000;
/** Ticks that a head may be ahead of the channel: the two come by different connections, and the channel is usually on its way. */
const HEAD_GRACE_TICKS = 2;

/**
 * A head is in the history before it is the head. Reads that do not come to it so many times in a row, a second between
 * them, tell that somebody took it out, and not that the two were read from two servers in the course of a failover.
 */
const HEAD_READS = 3;

interface UnseenHead {
  readonly head: StreamHead;
  readonly since: number;
  ticksLeft: number;
  /** Reads of the history that did not come to it. */
  missedReads: number;
}

interface ReadUnderWay {
  readonly afterSequence: number;
  /** Messages that arrived up to this one are in the stored history, if they are anywhere. */
  readonly arrivals: number;
  readonly unseenHead: string | undefined;
}

export class Follower {
  readonly #retentionMs: number;
  readonly #continuity: Continuity;
  readonly #waiting: WaitingMessages;
  #now = 0;
  #filled = false;
  #available = false;
  #read: ReadUnderWay | undefined;
  /** Another read is due then; `undefined` when none is. */
  #readAt: number | undefined;
  #unseenHead: UnseenHead | undefined;
  /** A head whose message the history gives no more. */
  #unreachableHead: string | undefined;
  /** Since when something waits without an end, and how many had arrived by then. */
  #stuck: { readonly since: number; readonly arrivals: number } | undefined;
  /** Messages that wait and arrived up to this one were not in a history that was read after their arrival. */
  #absentArrivals = 0;

  constructor(bounds: StreamBounds) {
    this.#retentionMs = bounds.streamRetentionMs;
    this.#continuity = new Continuity(bounds);
    this.#waiting = new WaitingMessages(bounds);
  }

  /** The history was read once. */
  get filled(): boolean {
    return this.#filled;
  }

  /** Since when the stored head is ahead of this edge, by the clock of {@link tick}. */
  get behindSince(): number | undefined {
    return this.#unseenHead?.since;
  }

  /** Live messages that wait for the history. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** The live feed works (again), so that messages may have been missed; or it does not. */
  available(available: boolean): FollowerAction[] {
    this.#available = available;
    return available ? this.#askHistory() : [];
  }

  /** A message of the channel. */
  live(envelope: Envelope): FollowerAction[] {
    if (this.#continuity.hasSeen(envelope.token)) return [];
    if (!this.#filled || !this.#continuity.isNext(envelope)) {
      if (!this.#waiting.has(envelope.token)) this.#waiting.push(envelope);
      return this.#readAt === undefined && this.#read === undefined ? this.#askHistory() : [];
    }
    // The channel keeps its order: what waits for what stands before it is on a branch that this message has left behind.
    if (this.#waiting.length > 0) this.#waiting.takeWhere(() => true);
    return this.#accept(envelope, 'live');
  }

  historyRead(read: HistoryRead): FollowerAction[] {
    const request = this.#read;
    if (request === undefined) return [];
    this.#read = undefined;
    if (!isAscending(read.envelopes)) return this.#askLater();
    if (!this.#filled) {
      this.#filled = true;
      return [...read.envelopes.flatMap((envelope) => this.#accept(envelope, 'fill')), ...this.#settle(request, read)];
    }
    const first = this.#firstUnseen(read.envelopes);
    if (first === undefined && request.afterSequence > 0 && this.#mayHaveGoneBack(read)) return this.#askHistory(0);
    const { cursor } = this.#continuity;
    const actions: FollowerAction[] = [];
    for (const envelope of read.envelopes.slice(first ?? 0)) {
      if (this.#continuity.hasSeen(envelope.token)) continue;
      actions.push(...this.#accept(envelope, this.#waiting.has(envelope.token) ? 'live' : 'history'));
    }
    if (cursor !== this.#continuity.cursor) this.#stuck = undefined;
    return [...actions, ...this.#settle(request, read)];
  }

  historyFailed(): FollowerAction[] {
    if (this.#read === undefined) return [];
    this.#read = undefined;
    return this.#askLater();
  }

  /** @param head what the head check found; `undefined` when nothing is stored */
  headRead(head: StreamHead | undefined): FollowerAction[] {
    if (head === undefined || this.#continuity.hasSeen(head.token) || head.token === this.#unreachableHead) {
      this.#unseenHead = undefined;
    } else {
      const since = this.#unseenHead?.since ?? this.#now;
      const missedReads = this.#unseenHead?.head.token === head.token ? this.#unseenHead.missedReads : 0;
      this.#unseenHead = { head, since, ticksLeft: HEAD_GRACE_TICKS, missedReads };
    }
    return [];
  }

  /**
   * Time passes; called a few times a second.
   *
   * @param now milliseconds of a monotonic clock
   */
  tick(now: number): FollowerAction[] {
    this.#now = now;
    this.#continuity.tick(now);
    if (this.#waiting.length === 0 || !this.#filled) this.#stuck = undefined;
    else this.#stuck ??= { since: now, arrivals: this.#waiting.arrivals };
    if (this.#stuck !== undefined && now - this.#stuck.since >= this.#retentionMs) return this.#acceptWaiting();
    if (this.#unseenHead !== undefined && this.#filled) {
      this.#unseenHead.ticksLeft -= 1;
      if (this.#unseenHead.ticksLeft === 0) this.#readAt ??= now;
    }
    return this.#readAt !== undefined && now >= this.#readAt ? this.#askHistory() : [];
  }

  /** The event loop stood still for long: what counts time starts anew at `now`. */
  restartTime(now: number): void {
    this.#now = now;
    this.#continuity.restartTime();
    this.#stuck = undefined;
    if (this.#unseenHead !== undefined) this.#unseenHead = { ...this.#unseenHead, since: now };
  }

  #accept(envelope: Envelope, source: DeliverySource): FollowerAction[] {
    const { delivery, newEpoch } = this.#continuity.accept(envelope);
    if (this.#unseenHead?.head.token === envelope.token) this.#unseenHead = undefined;
    const actions: FollowerAction[] = newEpoch ? [{ action: 'epochChanged' }] : [];
    if (delivery) actions.push({ action: 'deliver', delivery, source });
    return actions;
  }

  /** Asks for the history from the last message on, itself included, as its token shows whether the history is still the same. */
  #askHistory(afterSequence = Math.max(0, (this.#continuity.cursor?.sequence ?? 0) - 1)): FollowerAction[] {
    if (this.#read !== undefined || !this.#available) {
      this.#readAt = this.#now;
      return [];
    }
    this.#readAt = undefined;
    this.#read = { afterSequence, arrivals: this.#waiting.arrivals, unseenHead: this.#unseenHead?.head.token };
    return [{ action: 'readHistory', afterSequence }];
  }

  #askLater(): FollowerAction[] {
    this.#readAt = this.#now + RETRY_MS;
    return [];
  }

  /** Where the history goes on from the newest message that was seen; `undefined` when it does not meet what was seen. */
  #firstUnseen(envelopes: readonly Envelope[]): number | undefined {
    const shared = envelopes.findLastIndex(({ token }) => this.#continuity.hasSeen(token));
    if (shared !== -1) return shared + 1;
    const next = envelopes.findIndex(({ predecessor }) => this.#continuity.hasSeen(predecessor));
    return next === -1 ? undefined : next;
  }

  /** Whether the entry under the last number may be gone or another one: then only the whole history shows what is shared. */
  #mayHaveGoneBack({ envelopes, oldestSequence }: HistoryRead): boolean {
    const { cursor } = this.#continuity;
    const oldest = envelopes[0]?.sequence ?? oldestSequence;
    return cursor !== undefined && oldest !== undefined && oldest <= cursor.sequence;
  }

  /** Takes the waiting messages that are the very next, one after the other. */
  #acceptFollowers(): FollowerAction[] {
    const actions: FollowerAction[] = [];
    this.#waiting.takeWhere((envelope) => {
      if (this.#continuity.hasSeen(envelope.token)) return 'passed';
      if (!this.#continuity.isNext(envelope)) return false;
      actions.push(...this.#accept(envelope, 'live'));
      return 'passed';
    });
    return actions;
  }

  /** The history was read: what waits goes on from its end, is no part of the stored stream any more, or needs another read. */
  #settle(request: ReadUnderWay, read: HistoryRead): FollowerAction[] {
    const last = read.envelopes.at(-1);
    const actions = this.#acceptFollowers();
    // All that is stored is older than the retention: what is missing before those that wait would not be replayed any more.
    if (last === undefined && read.oldestSequence !== undefined) actions.push(...this.#acceptWaiting(request.arrivals));
    let retry = false;
    this.#waiting.takeWhere((envelope, arrival) => {
      if (arrival > request.arrivals) return false;
      // A message is stored before it is published: what the history passed over was replaced or has left it.
      if (last !== undefined && envelope.sequence <= last.sequence) return true;
      retry = true;
      return false;
    });
    if (last !== undefined) this.#absentArrivals = request.arrivals;
    const head = this.#settleHead(request, read);
    if (head === 'ahead') retry = true;
    else if (head !== undefined) actions.push(head);
    if (retry) return [...actions, ...this.#askLater()];
    if (this.#waiting.length > 0 || this.#readAt !== undefined) actions.push(...this.#askHistory());
    return actions;
  }

  /** @returns `'ahead'`: the head that was known before the read may come with another one */
  #settleHead(request: ReadUnderWay, read: HistoryRead): 'ahead' | FollowerAction | undefined {
    const unseen = this.#unseenHead;
    if (unseen === undefined || unseen.head.token !== request.unseenHead) return undefined;
    const newest = read.newestSequence ?? read.envelopes.at(-1)?.sequence;
    const passed = newest === undefined ? read.oldestSequence !== undefined : unseen.head.sequence <= newest;
    unseen.missedReads += 1;
    if (!passed && unseen.missedReads < HEAD_READS) return 'ahead';
    this.#unreachableHead = unseen.head.token;
    this.#unseenHead = undefined;
    return passed ? undefined : { action: 'headMissing', sequence: unseen.head.sequence };
  }

  /**
   * Goes on with what waits, with those that arrived up to `arrivals`: what is missing before them is older than the
   * retention and would not be replayed any more. Those that have waited from the beginning and were not in the history
   * are no part of the stored stream.
   */
  #acceptWaiting(arrivals = Infinity): FollowerAction[] {
    const gone = Math.min(this.#absentArrivals, this.#stuck?.arrivals ?? 0);
    this.#stuck = undefined;
    const actions: FollowerAction[] = [];
    this.#waiting.takeWhere((envelope, arrival) => {
      if (arrival > arrivals) return false;
      if (arrival > gone && !this.#continuity.isPassed(envelope)) actions.push(...this.#accept(envelope, 'live'));
      return true;
    });
    return actions;
  }
}

/** Numbers of a history rise from entry to entry. */
function isAscending(envelopes: readonly Envelope[]): boolean {
  return envelopes.every(({ sequence }, at) => at === 0 || sequence > (envelopes[at - 1]?.sequence ?? 0));
}
