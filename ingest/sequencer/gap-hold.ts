import { comparePositions } from '../../shared/flashblock.ts';
import type { UpstreamMessage } from '../message.ts';
import { isEarly } from './successor.ts';

/** Most messages that are held (rule 4). */
const MAX_HELD_MESSAGES = 64;

/** Most bytes that are held, in messages of the greatest size (rule 4). */
const MAX_HELD_MESSAGES_OF_BYTES = 4;

/** What stays known of a message that was held, also when it is decided again later. */
export interface HoldRecord {
  /** When it was first held; monotonic milliseconds. */
  since: number;
  /** Something was missing right before it. */
  opensGap: boolean;
  /** The end of that gap was told. */
  told: boolean;
}

/**
 * The early frames and what waits behind them (rule 4). Flashblocks leave in order of position, whoever delivered them;
 * anything else leaves when nothing that its upstream sent before it is held any more.
 */
export class GapHold {
  readonly #maxBytes: number;
  /** In order of arrival. */
  #held: UpstreamMessage[] = [];
  #contents = new Set<string>();
  #bytes = 0;
  readonly #records = new WeakMap<UpstreamMessage, HoldRecord>();

  /** @param maxMessageBytes greatest plain size of one message */
  constructor(maxMessageBytes: number) {
    this.#maxBytes = MAX_HELD_MESSAGES_OF_BYTES * maxMessageBytes;
  }

  get size(): number {
    return this.#held.length;
  }

  /** More is held than may be: all of it is to be sent. */
  get overfull(): boolean {
    return this.#held.length > MAX_HELD_MESSAGES || this.#bytes > this.#maxBytes;
  }

  /** When the flashblock that waits longest was first held. */
  get oldestSince(): number | undefined {
    let oldest: number | undefined;
    for (const message of this.#held) {
      const since = message.head && this.#records.get(message)?.since;
      if (since !== undefined && (oldest === undefined || since < oldest)) oldest = since;
    }
    return oldest;
  }

  hasContent(contentHash: string): boolean {
    return this.#contents.has(contentHash);
  }

  /** Holds a message. One that was held before keeps its first time. */
  add(message: UpstreamMessage, now: number): void {
    this.#held.push(message);
    this.#contents.add(message.contentHash);
    this.#bytes += message.content.length;
    if (!this.#records.has(message)) this.#records.set(message, { since: now, opensGap: false, told: false });
  }

  /** The message that is to leave first: one that waits behind nothing, else the flashblock of the lowest position. */
  next(): UpstreamMessage | undefined {
    const waiting = new Set<number>();
    let lowest: UpstreamMessage | undefined;
    for (const message of this.#held) {
      const { head, upstream } = message;
      if (head === undefined) {
        if (!waiting.has(upstream)) return message;
      } else if (lowest?.head === undefined || comparePositions(head.position, lowest.head.position) < 0) {
        lowest = message;
      }
      waiting.add(upstream);
    }
    return lowest;
  }

  remove(message: UpstreamMessage): void {
    this.#held = this.#held.filter((held) => held !== message);
    this.#contents.delete(message.contentHash);
    this.#bytes -= message.content.length;
  }

  /** Marks a message that is still held as one that opens a gap, unless what comes right before it is held too. */
  noteGap(message: UpstreamMessage): void {
    const { head } = message;
    const record = this.#records.get(message);
    if (head === undefined || record === undefined || !this.#held.includes(message)) return;
    record.opensGap ||= !this.#held.some(
      (before) =>
        before.head !== undefined &&
        comparePositions(before.head.position, head.position) < 0 &&
        !isEarly(head, before.head.position),
    );
  }

  /** `undefined` for a message that was never held. */
  recordOf(message: UpstreamMessage): HoldRecord | undefined {
    return this.#records.get(message);
  }

  /** A record for a message that goes out behind a gap without having been held. */
  record(message: UpstreamMessage, now: number): HoldRecord {
    const record = this.#records.get(message) ?? { since: now, opensGap: true, told: false };
    this.#records.set(message, record);
    return record;
  }

  /** Empties the hold. @returns all that was held, in order of arrival */
  takeAll(): UpstreamMessage[] {
    const all = this.#held;
    this.#held = [];
    this.#contents = new Set();
    this.#bytes = 0;
    return all;
  }

  /** Takes the flashblocks out. */
  takeFlashblocks(): UpstreamMessage[] {
    const flashblocks = this.#held.filter(({ head }) => head !== undefined);
    for (const message of flashblocks) this.remove(message);
    return flashblocks;
  }

  /** The event loop stood still: every hold starts anew. */
  startAnew(now: number): void {
    for (const message of this.#held) {
      const record = this.#records.get(message);
      if (record !== undefined) record.since = now;
    }
  }
}
