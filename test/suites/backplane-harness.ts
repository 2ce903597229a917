import { randomBytes } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import type {
  DecidedState,
  EpochSeed,
  PublishOutcome,
  PublishRequest,
  StoredState,
  StreamBounds,
  StreamPublisher,
  StreamSource,
  StreamSourceListener,
} from '../../shared/backplane/backplane.ts';
import { contentHashOf, type Envelope } from '../../shared/envelope.ts';
import { readFlashblockHead, type Position } from '../../shared/flashblock.ts';
import { flashblockJson } from '../support/messages.ts';

/** One stored stream, of its own, on some implementation of the backplane. */
export interface BackplaneHarness {
  /** A publisher that is not started yet. The harness stops it. */
  publisher(): StreamPublisher;
  /** A source that is not started yet. The harness stops it. */
  source(): StreamSource;
  /** Makes everything stored older by so many milliseconds. */
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

export type OpenHarness = (bounds: StreamBounds) => Promise<BackplaneHarness>;

/** Bounds that no test reaches by accident. */
export const WIDE_BOUNDS: StreamBounds = {
  streamMaxMessages: 256,
  streamMaxBytes: 64 * 1024 * 1024,
  streamRetentionMs: 600_000,
};

export const newId = () => randomBytes(16).toString('hex');

/** Resolves when the publisher can be called. */
export async function startPublisher(publisher: StreamPublisher): Promise<StreamPublisher> {
  const available = new Promise<void>((resolve) => publisher.onAvailable((is) => is && resolve()));
  await publisher.start();
  await available;
  return publisher;
}

/** Keeps what a source reports, and lets a test wait for it. */
export class Recorder implements StreamSourceListener {
  readonly envelopes: Envelope[] = [];
  readonly versions: number[] = [];
  readonly availability: boolean[] = [];
  readonly #events = new EventEmitter();

  message(envelope: Envelope): void {
    this.envelopes.push(envelope);
    this.#events.emit('report');
  }

  unknownVersion(version: number): void {
    this.versions.push(version);
    this.#events.emit('report');
  }

  available(available: boolean): void {
    this.availability.push(available);
    this.#events.emit('report');
  }

  /** Resolves as soon as the condition holds after a report, or now. */
  async until(condition: (recorder: this) => boolean): Promise<void> {
    while (!condition(this)) await once(this.#events, 'report');
  }

  /** Resolves with the first `count` messages. */
  async messages(count: number): Promise<Envelope[]> {
    await this.until(({ envelopes }) => envelopes.length >= count);
    return this.envelopes.slice(0, count);
  }
}

/** Starts a source and resolves when it is subscribed. */
export async function startSource(source: StreamSource): Promise<Recorder> {
  const recorder = new Recorder();
  await source.start(recorder);
  await recorder.until(({ availability }) => availability.at(-1) === true);
  return recorder;
}

export interface Draft {
  readonly position?: Position;
  readonly content: Buffer;
}

/** A flashblock of block 100 and up, ten to a block. */
export function draft(ordinal: number, note = ''): Draft {
  const position = { blockNumber: 100 + Math.floor(ordinal / 10), index: ordinal % 10 };
  return { position, content: flashblockJson(position, { note }) };
}

/** A message that is not a flashblock. */
export const rawDraft = (text: string): Draft => ({ content: Buffer.from(text) });

/** Makes the token that follows another one. */
export type TokenMaker = (before: string | undefined) => string;

/** The least that publishes: one run of an ingest, which chains its publishes by their tokens. */
export class Writer {
  readonly start = newId();
  readonly ingestId: string;
  readonly #publisher: StreamPublisher;
  readonly #newToken: TokenMaker;
  #counter = 0;
  /** Token of the state that the next request is decided on. */
  token: string | undefined;
  /** Highest number that was seen. */
  highest = 0;
  /** What a new epoch is opened with; requests carry it while it is set. */
  seed: EpochSeed | undefined = { epoch: newId(), recent: [], previousEpoch: '', previousSequence: 0 };

  constructor(publisher: StreamPublisher, ingestId = 'ingest-a', newToken: TokenMaker = newId) {
    this.#publisher = publisher;
    this.ingestId = ingestId;
    this.#newToken = newToken;
  }

  /** The next request, decided on the one before it. */
  request({ position, content }: Draft, decided: Partial<DecidedState> = {}): PublishRequest {
    const payloadId = readFlashblockHead(content)?.payloadId;
    const expectedToken = this.token;
    this.token = this.#newToken(expectedToken);
    return {
      publishId: { ingestId: this.ingestId, start: this.start, counter: (this.#counter += 1) },
      expectedToken,
      token: this.token,
      decided: { ...(position && { position }), ...(payloadId !== undefined && { payloadId }), ...decided },
      highestSequence: this.highest,
      ...(this.seed && { seed: this.seed }),
      message: {
        kind: 'json',
        restart: false,
        ...(position && { position }),
        ...(payloadId !== undefined && { payloadId }),
        contentHash: contentHashOf(content),
        receivedAtMs: 1_700_000_000_000.5,
        ingestId: this.ingestId,
        plainLength: content.length,
        payloadEncoding: 'plain',
        payload: content,
      },
    };
  }

  send(request: PublishRequest): Promise<PublishOutcome> {
    return this.#publisher.publish(request);
  }

  /** Publishes all at once, pipelined, and learns the numbers. */
  async publish(...drafts: readonly Draft[]): Promise<PublishOutcome[]> {
    const outcomes = await Promise.all(drafts.map((one) => this.send(this.request(one))));
    for (const outcome of outcomes) {
      if (outcome.result === 'published') this.highest = Math.max(this.highest, outcome.sequence);
    }
    return outcomes;
  }

  /** Goes on from a stored state. */
  adopt(state: StoredState | undefined): void {
    this.token = state?.token;
    this.highest = Math.max(this.highest, state?.sequence ?? 0);
  }
}

/** The numbers of outcomes; a refusal shows as its reason. */
export function results(outcomes: readonly PublishOutcome[]): (number | string)[] {
  return outcomes.map((outcome) => (outcome.result === 'published' ? outcome.sequence : outcome.reason));
}

/** `count` drafts from an ordinal on. */
export function drafts(count: number, from = 0): Draft[] {
  return Array.from({ length: count }, (_, offset) => draft(from + offset));
}
