import { encodedLength, type Envelope } from '../envelope.ts';
import {
  MAX_KNOWN_PUBLISHERS,
  MAX_PUBLISHES_IN_FLIGHT,
  MAX_RECENT_CONTENTS,
  PUBLISHER_FORGOTTEN_AFTER_MS,
  type DecidedState,
  type HistoryRead,
  type PublishId,
  type PublishOutcome,
  type PublishRequest,
  type RefusalReason,
  type StoredState,
  type StreamBounds,
  type StreamHead,
} from './backplane.ts';

type Published = Extract<PublishOutcome, { result: 'published' }>;

interface Content {
  readonly contentHash: string;
  readonly flashblock: boolean;
  readonly at: number;
}

interface State {
  readonly epoch: string;
  readonly sequence: number;
  readonly previousEpoch: string;
  readonly previousSequence: number;
  readonly token: string;
  readonly decided: DecidedState;
  readonly recent: readonly Content[];
  readonly acceptedAt: number;
  readonly flashblockAt: number | undefined;
}

/** What one run of an ingest published: its newest publishes, oldest first. */
interface Publisher {
  readonly ingestId: string;
  readonly start: string;
  readonly at: number;
  readonly publishes: readonly { readonly counter: number; readonly outcome: Published }[];
}

interface Entry {
  readonly envelope: Envelope;
  readonly bytes: number;
  readonly at: number;
}

const newestFlashblock = (contents: readonly Content[]) => contents.findLast((content) => content.flashblock)?.at;

/**
 * The stream of one process, stored in memory: what `redis/append.lua` does in Redis, by the same rules (redis:
 * "Publishing"). It knows no subscribers and no clock; times are milliseconds of whatever clock the caller hands in.
 */
export class MemoryStream {
  readonly #bounds: StreamBounds;
  #state: State | undefined;
  readonly #publishers = new Map<string, Publisher>();
  readonly #history: Entry[] = [];
  #historyBytes = 0;

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  /** Compare-and-append. `appended` is the message as it entered the stream, unless it was refused or repeated. */
  append(request: PublishRequest, now: number): { readonly outcome: PublishOutcome; readonly appended?: Envelope } {
    const known = this.#findPublish(request.publishId);
    if (known !== undefined) return { outcome: { ...known, repeated: true } };
    const reason = this.#refusal(request, now);
    if (reason !== undefined) return { outcome: { result: 'refused', reason, state: this.state(now) } };

    const state = this.#next(request, now, this.#seedReason(request, now) !== undefined);
    const appended: Envelope = {
      ...request.message,
      epoch: state.epoch,
      sequence: state.sequence,
      previousEpoch: state.previousEpoch,
      previousSequence: state.previousSequence,
      token: request.token,
      predecessor: request.expectedToken ?? '',
    };
    const newEpoch = state.epoch !== this.#state?.epoch;
    const outcome: Published = {
      result: 'published',
      epoch: state.epoch,
      sequence: state.sequence,
      newEpoch,
      repeated: false,
    };
    this.#remember(appended, now);
    this.#rememberPublish(request.publishId, outcome, now);
    this.#state = state;
    return { outcome, appended };
  }

  state(now: number): StoredState | undefined {
    if (this.#state === undefined) return undefined;
    const { epoch, sequence, token, decided, recent, acceptedAt, flashblockAt } = this.#state;
    return {
      epoch,
      sequence,
      token,
      decided,
      recent: recent.map(({ contentHash, flashblock, at }) => ({ contentHash, flashblock, ageMs: now - at })),
      acceptedAgeMs: now - acceptedAt,
      ...(flashblockAt !== undefined && { flashblockAgeMs: now - flashblockAt }),
      publishers: Array.from(this.#publishers.values(), ({ ingestId, start, at, publishes }) => ({
        ingestId,
        start,
        lastSequence: publishes.at(-1)?.outcome.sequence ?? 0,
        ageMs: now - at,
      })),
    };
  }

  head(): StreamHead | undefined {
    return this.#state && { epoch: this.#state.epoch, sequence: this.#state.sequence, token: this.#state.token };
  }

  readAfter(sequence: number, now: number): HistoryRead {
    const read = this.#history.filter(({ envelope }) => envelope.sequence > sequence);
    const newestSequence = read.at(-1)?.envelope.sequence;
    return {
      envelopes: read.filter(({ at }) => now - at <= this.#bounds.streamRetentionMs).map(({ envelope }) => envelope),
      oldestSequence: this.#history[0]?.envelope.sequence,
      ...(newestSequence !== undefined && { newestSequence }),
    };
  }

  #findPublish({ ingestId, start, counter }: PublishId): Published | undefined {
    const publisher = this.#publishers.get(`${ingestId} ${start}`);
    return publisher?.publishes.find((publish) => publish.counter === counter)?.outcome;
  }

  /** Why a publish would have to open a new epoch. */
  #seedReason(request: PublishRequest, now: number): RefusalReason | undefined {
    if (this.#state === undefined) return 'missing';
    if (now - this.#state.acceptedAt > this.#bounds.streamRetentionMs) return 'expired';
    return this.#state.sequence < request.highestSequence ? 'behind' : undefined;
  }

  #refusal(request: PublishRequest, now: number): RefusalReason | undefined {
    const reason = this.#seedReason(request, now);
    if (reason !== undefined && request.seed === undefined) return reason;
    return this.#state !== undefined && this.#state.token !== request.expectedToken ? 'moved' : undefined;
  }

  #next(request: PublishRequest, now: number, opensEpoch: boolean): State {
    const stored = this.#state;
    const seed = opensEpoch ? request.seed : undefined;
    const recent =
      seed?.recent.map(({ contentHash, flashblock, ageMs }) => ({ contentHash, flashblock, at: now - ageMs })) ??
      stored?.recent ??
      [];
    const flashblock = request.message.position !== undefined;
    const lineage = seed ?? stored;
    return {
      epoch: seed?.epoch ?? stored?.epoch ?? '',
      sequence: Math.max(stored?.sequence ?? 0, request.highestSequence) + 1,
      previousEpoch: lineage?.previousEpoch ?? '',
      previousSequence: lineage?.previousSequence ?? 0,
      token: request.token,
      decided: request.decided,
      recent: [...recent, { contentHash: request.message.contentHash, flashblock, at: now }].slice(
        -MAX_RECENT_CONTENTS,
      ),
      acceptedAt: now,
      flashblockAt: flashblock ? now : (stored?.flashblockAt ?? newestFlashblock(recent)),
    };
  }

  /** Adds to the history and trims it to its bounds; the newest entry always stays. */
  #remember(envelope: Envelope, now: number): void {
    const bytes = encodedLength(envelope);
    this.#history.push({ envelope, bytes, at: now });
    this.#historyBytes += bytes;
    const { streamMaxMessages, streamMaxBytes } = this.#bounds;
    while (
      this.#history.length > 1 &&
      (this.#history.length > streamMaxMessages || this.#historyBytes > streamMaxBytes)
    ) {
      this.#historyBytes -= this.#history.shift()?.bytes ?? 0;
    }
  }

  #rememberPublish({ ingestId, start, counter }: PublishId, outcome: Published, now: number): void {
    const id = `${ingestId} ${start}`;
    const publishes = [...(this.#publishers.get(id)?.publishes ?? []), { counter, outcome }];
    // Deleted and set again, so that the map's order is from the longest silent to the newest.
    this.#publishers.delete(id);
    this.#publishers.set(id, { ingestId, start, at: now, publishes: publishes.slice(-MAX_PUBLISHES_IN_FLIGHT) });
    for (const [key, publisher] of this.#publishers) {
      const forgotten = now - publisher.at > PUBLISHER_FORGOTTEN_AFTER_MS;
      if (forgotten || this.#publishers.size > MAX_KNOWN_PUBLISHERS) this.#publishers.delete(key);
    }
  }
}
