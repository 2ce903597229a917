/**
 * The decided messages on their way into the stream, in order. At most MAX_PUBLISHES_IN_FLIGHT are with the backplane, the
 * rest wait here, also while the backplane is away (redis: "Publishing", "While Redis is away").
 *
 * Each publish names its predecessor's token, so one refusal refuses everything behind it: the queue then hands all of its
 * messages back to be decided again. After a lost answer the same requests are sent again under their publish ids.
 */
import { randomBytes } from 'node:crypto';
import {
  BackplaneUnavailableError,
  MAX_PUBLISHES_IN_FLIGHT,
  type EpochSeed,
  type PublishOutcome,
  type PublishRequest,
  type StoredState,
  type StreamPublisher,
  type Token,
} from '../../shared/backplane/backplane.ts';
import type { PayloadEncoding } from '../../shared/envelope.ts';
import type { UpstreamMessage } from '../message.ts';
import type { Decision } from '../sequencer/contract.ts';

export type PublishDecision = Extract<Decision, { action: 'publish' }>;

/** A message as it is stored: compressed or plain. */
export interface EncodedPayload {
  readonly payload: Buffer;
  readonly payloadEncoding: PayloadEncoding;
}

export interface PublishQueueOptions {
  readonly ingestId: string;
  /** Distinguishes this run of the process from earlier ones with the same ingest id. */
  readonly start: string;
  readonly publishBufferMessages: number;
  readonly publishBufferBytes: number;
  readonly streamRetentionMs: number;
}

/** Why a message was let go: the buffer was full, or the message grew older than the retention. */
export type LetGoReason = 'full' | 'old';

export interface PublishQueueEvents {
  /** A publish went in. `durationMs`: from the request to its answer. */
  published(
    decision: PublishDecision,
    outcome: Extract<PublishOutcome, { result: 'published' }>,
    durationMs: number,
  ): void;
  /** A publish was refused; `undone` are the messages of everything that was queued, in order. The queue is empty. */
  refused(state: StoredState | undefined, undone: UpstreamMessage[]): void;
  /** A message was let go. It may have gone in all the same, if it was sent and its answer was lost. */
  dropped(message: UpstreamMessage, reason: LetGoReason): void;
  /** The answers of so many publishes were lost; they are sent again when the backplane is back. */
  failed(publishes: number): void;
}

export interface PublishQueueDependencies {
  readonly publisher: Pick<StreamPublisher, 'publish'>;
  /** Must give the same result for the same message when called again, and never reject. */
  readonly encode: (message: UpstreamMessage) => Promise<EncodedPayload>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly events: PublishQueueEvents;
}

interface Entry {
  readonly decision: PublishDecision;
  readonly expectedToken: Token | undefined;
  readonly token: Token;
  readonly counter: number;
  readonly seed: EpochSeed | undefined;
  encoded: EncodedPayload | undefined;
}

/** What an entry costs in memory beside its content, so that a flood of tiny messages is bounded too. */
const ENTRY_BYTES = 1024;

function costOf({ decision }: Entry): number {
  return decision.message.content.length + ENTRY_BYTES;
}

/** Sent again this long after a lost answer when the backplane never said that it was away. */
const RETRY_MS = 500;

export class PublishQueue {
  readonly #options: PublishQueueOptions;
  readonly #deps: PublishQueueDependencies;
  #entries: Entry[] = [];
  #bytes = 0;
  /** How many entries, from the front, are with the backplane. */
  #inFlight = 0;
  /** Token of the state after the last entry. */
  #tip: Token | undefined;
  #seed: EpochSeed | undefined;
  #highestSequence = 0;
  #counter = 0;
  #available = false;
  #stopped = false;
  /** Raised when what is in flight is given up: answers to earlier requests no longer count. */
  #generation = 0;
  #retry: NodeJS.Timeout | undefined;
  #onFlushed: (() => void) | undefined;

  constructor(options: PublishQueueOptions, deps: PublishQueueDependencies) {
    this.#options = options;
    this.#deps = deps;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Highest sequence number known to this ingest; 0 when none. */
  get highestSequence(): number {
    return this.#highestSequence;
  }

  /**
   * Names the state that the next pushed decision was made on. The queue must be empty.
   *
   * @param seed permission for the next publish to open a new epoch
   */
  rebase(token: Token | undefined, sequence: number, seed: EpochSeed | undefined): void {
    if (this.#entries.length > 0) throw new Error('a queue with entries cannot be rebased');
    this.#tip = token;
    this.#seed = seed;
    this.#highestSequence = Math.max(this.#highestSequence, sequence);
  }

  /** Appends a decision that was made on the state after the last entry. */
  push(decision: PublishDecision): void {
    const entry: Entry = {
      decision,
      expectedToken: this.#tip,
      token: randomBytes(16).toString('hex'),
      counter: ++this.#counter,
      seed: this.#seed,
      encoded: undefined,
    };
    this.#tip = entry.token;
    this.#seed = undefined;
    this.#entries.push(entry);
    this.#bytes += costOf(entry);
    while (this.#entries.length > this.#inFlight + 1 && this.#overfull()) {
      this.#dropOldestWaiting('full');
    }
    void this.#deps.encode(decision.message).then((encoded) => {
      entry.encoded = encoded;
      this.#pump();
    });
  }

  /** Whether a message of this block is queued or in flight. */
  waits(blockNumber: number): boolean {
    return this.#entries.some((entry) => entry.decision.message.head?.position.blockNumber === blockNumber);
  }

  /** The backplane can be reached (again), or not. */
  setAvailable(available: boolean): void {
    this.#available = available;
    if (available) this.#sendAgain();
    else this.#inFlightLost();
  }

  /** Resolves when everything queued went in, at once when the backplane is away, and after `limitMs` in any case. */
  async flushed(limitMs: number): Promise<void> {
    if (this.#entries.length === 0 || !this.#available) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs);
      this.#onFlushed = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  /** Idempotent. Nothing is sent after it. */
  stop(): void {
    this.#stopped = true;
    this.#onFlushed?.();
    this.#giveUpInFlight();
    this.#entries = [];
    this.#bytes = 0;
  }

  #inFlightLost(): void {
    const lost = this.#inFlight;
    this.#giveUpInFlight();
    if (lost > 0) this.#deps.events.failed(lost);
  }

  #giveUpInFlight(): void {
    this.#generation += 1;
    this.#inFlight = 0;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #sendAgain(): void {
    this.#giveUpInFlight();
    this.#pump();
  }

  /**
   * PUBLISH_BUFFER_MESSAGES holds while the backplane is away. While it is there, a burst, as a resumed upstream sends one, may
   * be longer than that and goes in within milliseconds: then the bytes bound it alone.
   */
  #overfull(): boolean {
    const { publishBufferMessages, publishBufferBytes } = this.#options;
    return this.#bytes > publishBufferBytes || (!this.#available && this.#entries.length > publishBufferMessages);
  }

  /** An entry behind the dropped one is refused when it is sent, as its predecessor never went in, and decided again. */
  #dropOldestWaiting(reason: LetGoReason): void {
    const [entry] = this.#entries.splice(this.#inFlight, 1);
    if (entry === undefined) return;
    this.#bytes -= costOf(entry);
    this.#deps.events.dropped(entry.decision.message, reason);
    if (this.#entries.length === 0) this.#onFlushed?.();
  }

  #pump(): void {
    while (this.#available && !this.#stopped && this.#retry === undefined && this.#inFlight < MAX_PUBLISHES_IN_FLIGHT) {
      const entry = this.#entries[this.#inFlight];
      if (entry === undefined) return;
      if (this.#deps.now() - entry.decision.message.readAt > this.#options.streamRetentionMs) {
        this.#dropOldestWaiting('old');
        continue;
      }
      if (entry.encoded === undefined) return;
      this.#inFlight += 1;
      void this.#send(entry, entry.encoded, this.#generation);
    }
  }

  async #send(entry: Entry, encoded: EncodedPayload, generation: number): Promise<void> {
    const { message, decided, restart } = entry.decision;
    const request: PublishRequest = {
      publishId: { ingestId: this.#options.ingestId, start: this.#options.start, counter: entry.counter },
      expectedToken: entry.expectedToken,
      token: entry.token,
      decided,
      highestSequence: this.#highestSequence,
      ...(entry.seed && { seed: entry.seed }),
      message: {
        kind: message.kind,
        restart,
        ...(message.head && { position: message.head.position, payloadId: message.head.payloadId }),
        contentHash: message.contentHash,
        receivedAtMs: message.receivedAtMs,
        ingestId: this.#options.ingestId,
        plainLength: message.content.length,
        ...encoded,
        plain: message.content,
      },
    };
    const sentAt = this.#deps.now();
    let outcome: PublishOutcome;
    try {
      outcome = await this.#deps.publisher.publish(request);
    } catch (error) {
      if (!(error instanceof BackplaneUnavailableError)) throw error;
      if (generation === this.#generation) this.#answerLost();
      return;
    }
    if (generation === this.#generation) this.#answered(entry, outcome, this.#deps.now() - sentAt);
  }

  #answerLost(): void {
    this.#inFlightLost();
    if (this.#stopped) return;
    this.#retry = setTimeout(() => this.#sendAgain(), RETRY_MS);
  }

  #answered(entry: Entry, outcome: PublishOutcome, durationMs: number): void {
    if (outcome.result === 'refused') {
      const undone = this.#entries.map(({ decision }) => decision.message);
      this.#giveUpInFlight();
      this.#entries = [];
      this.#bytes = 0;
      this.#deps.events.refused(outcome.state, undone);
      if (this.#entries.length === 0) this.#onFlushed?.();
      return;
    }
    this.#entries.shift();
    this.#inFlight -= 1;
    this.#bytes -= costOf(entry);
    this.#highestSequence = Math.max(this.#highestSequence, outcome.sequence);
    this.#deps.events.published(entry.decision, outcome, durationMs);
    if (this.#entries.length === 0) this.#onFlushed?.();
    this.#pump();
  }
}
