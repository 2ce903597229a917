/**
 * Puts messages in a row: takes the next message of the stream, wherever it comes from, and tells whether it is delivered,
 * and how many are missing before it. It holds the memory that this needs: the end of the stream as this edge has it, and
 * what it dealt with lately.
 */
import type { Envelope } from '../../shared/envelope.ts';
import type { Position } from '../../shared/flashblock.ts';
import type { Delivery } from './contract.ts';
import { lostByNumber, lostByPosition, type StreamCursor } from './loss.ts';
import { SeenMessages } from './seen.ts';

export interface Acceptance {
  /** Absent when the content was delivered before. */
  readonly delivery?: Delivery;
  readonly newEpoch: boolean;
}

export class Continuity {
  readonly #retentionMs: number;
  readonly #seen: SeenMessages;
  #cursor: StreamCursor | undefined;
  #highest = 0;
  /** Known to be lost, and not yet said with a delivery. */
  #lost = 0;
  #lastPosition: Position | undefined;
  /** The stored stream was lost: the next position shows what numbers cannot. How many are counted since, meanwhile. */
  #countedSinceLoss: number | undefined;
  /** Repeats are possible since this time, or since the `tick` to come. */
  #guardedSince: number | 'tick' | undefined;

  constructor(options: { readonly streamMaxMessages: number; readonly streamRetentionMs: number }) {
    this.#retentionMs = options.streamRetentionMs;
    // A whole history, and as many that were delivered since and are none of it after a failover or a change of the epoch.
    this.#seen = new SeenMessages(2 * options.streamMaxMessages);
  }

  get cursor(): StreamCursor | undefined {
    return this.#cursor;
  }

  hasSeen(token: string): boolean {
    return this.#seen.hasToken(token);
  }

  /** Whether the message is the very next one, by token and number: nothing can be missing before it. */
  isNext(envelope: Envelope): boolean {
    const cursor = this.#cursor;
    if (cursor === undefined) return envelope.predecessor === '' && envelope.sequence === 1;
    if (envelope.predecessor !== cursor.token) return false;
    return envelope.epoch !== cursor.epoch || envelope.sequence > cursor.sequence;
  }

  /** Whether the stream has gone on past the message: it was dealt with, or its number was and it joins nothing known. */
  isPassed({ token, predecessor, epoch, sequence }: Envelope): boolean {
    if (this.hasSeen(token)) return true;
    const cursor = this.#cursor;
    if (cursor === undefined || sequence > cursor.sequence) return false;
    return epoch === cursor.previousEpoch || (epoch === cursor.epoch && !this.hasSeen(predecessor));
  }

  /** Takes a message as the next of the stream. The caller knows that nothing that stands before it can be had. */
  accept(envelope: Envelope): Acceptance {
    const cursor = this.#cursor;
    const newEpoch = cursor !== undefined && cursor.epoch !== envelope.epoch;
    if (cursor !== undefined) this.#countLost(cursor, envelope, newEpoch);
    const startsAnew = newEpoch && envelope.predecessor === '';
    this.#highest = startsAnew ? envelope.sequence : Math.max(this.#highest, envelope.sequence);
    const { epoch, sequence, token, previousEpoch } = envelope;
    this.#cursor = { epoch, sequence, token, previousEpoch };

    const repeated = this.#guardedSince !== undefined && this.#seen.hasContent(envelope.contentHash);
    this.#seen.add(envelope.token, envelope.contentHash);
    if (repeated) return { newEpoch };
    this.#checkPosition(envelope);
    const delivery = { envelope, lostBefore: this.#lost };
    this.#lost = 0;
    return { delivery, newEpoch };
  }

  /** @param now milliseconds of a monotonic clock */
  tick(now: number): void {
    if (this.#guardedSince === undefined) return;
    if (this.#guardedSince === 'tick') this.#guardedSince = now;
    else if (now - this.#guardedSince > this.#retentionMs) this.#guardedSince = undefined;
  }

  /** The event loop stood still: what counts time starts anew. */
  restartTime(): void {
    if (this.#guardedSince !== undefined) this.#guardedSince = 'tick';
  }

  #countLost(cursor: StreamCursor, envelope: Envelope, newEpoch: boolean): void {
    const predecessorSeen = envelope.predecessor !== '' && this.#seen.hasToken(envelope.predecessor);
    const lost = lostByNumber(cursor, this.#highest, envelope, predecessorSeen);
    // After an epoch's change or on another branch of the history, contents may come that came before it.
    if (newEpoch || envelope.predecessor !== cursor.token) this.#guardedSince = 'tick';
    if (newEpoch && !predecessorSeen) this.#countedSinceLoss ??= 0;
    if (this.#countedSinceLoss !== undefined) this.#countedSinceLoss += lost;
    this.#lost += lost;
  }

  #checkPosition({ position, restart }: Envelope): void {
    if (position === undefined) return;
    if (this.#countedSinceLoss !== undefined && this.#lastPosition !== undefined && !restart) {
      this.#lost += Math.max(0, lostByPosition(this.#lastPosition, position) - this.#countedSinceLoss);
    }
    this.#countedSinceLoss = undefined;
    this.#lastPosition = position;
  }
}
