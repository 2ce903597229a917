/**
 * The backplane carries the one clean stream from the ingests to the edges. One interface, two implementations: `memory`
 * (ingest and edge in one process) and `redis`. What enters the stream is decided by compare-and-append: a publish names
 * the state that it was decided on, and goes in only while that state is still the stored one.
 *
 * It is not a queue: an edge that was away reads the bounded history, and what has left the history is lost and counted.
 */
import type { Position } from '../flashblock.ts';
import type { Envelope } from '../envelope.ts';

/** 16 random bytes as 32 lower-case hex characters; never a counter, so that no token can pass on a history it has not seen. */
export type Token = string;

/** The part of the stream's state that the ordering rules decide on and replace with every publish. */
export interface DecidedState {
  /** Last accepted flashblock; absent until the first one. */
  readonly position?: Position;
  /** The payload that won the block of `position`. */
  readonly payloadId?: string;
  /** Last accepted index of the block before that of `position`, where it was seen. */
  readonly previousBlockEnd?: number;
  /** Fields of a neighbouring release, kept as they came. */
  readonly unknown?: Readonly<Record<string, unknown>>;
}

/** A message's content as remembered for deduplication. */
export interface RecentContent {
  /** First 16 bytes of the SHA-256 of the plain content, as hex. */
  readonly contentHash: string;
  /** Milliseconds since it was accepted, by the backplane's clock, when the state was read. */
  readonly ageMs: number;
  readonly flashblock: boolean;
}

/** What one ingest process published last, from the publish ids that the state keeps. */
export interface KnownPublisher {
  readonly ingestId: string;
  /** Distinguishes two runs of the same ingest. */
  readonly start: string;
  /** Sequence number of its newest publish. */
  readonly lastSequence: number;
  readonly ageMs: number;
}

/** The stream's state as the backplane stores it. */
export interface StoredState {
  /** 32 hex characters; changes when continuity of the stored stream cannot be vouched for. */
  readonly epoch: string;
  /** Number of the newest message. */
  readonly sequence: number;
  readonly token: Token;
  readonly decided: DecidedState;
  /** Newest last, at most {@link MAX_RECENT_CONTENTS}. */
  readonly recent: readonly RecentContent[];
  /** Milliseconds since anything was accepted. */
  readonly acceptedAgeMs: number;
  /** Milliseconds since a flashblock was accepted; absent when none was. */
  readonly flashblockAgeMs?: number;
  readonly publishers: readonly KnownPublisher[];
}

/** How many contents the state remembers (upstream-and-stream, rule 1). */
export const MAX_RECENT_CONTENTS = 64;

/** How many publish ids of each ingest the state remembers; equals the most publishes in flight (redis: "Publishing"). */
export const MAX_PUBLISHES_IN_FLIGHT = 16;

/** How long an ingest may be silent before the state forgets its publish ids, in milliseconds (redis: "Publishing"). */
export const PUBLISHER_FORGOTTEN_AFTER_MS = 60_000;

/** How many ingest runs the state remembers; a bound for ingests that die and return faster than they are forgotten. */
export const MAX_KNOWN_PUBLISHERS = 32;

/** Identifies one publish, so that sending it again after a lost answer is recognised. */
export interface PublishId {
  readonly ingestId: string;
  readonly start: string;
  readonly counter: number;
}

/** A message on its way into the stream; the backplane adds epoch, number and tokens. */
export type OutgoingMessage = Omit<
  Envelope,
  'epoch' | 'sequence' | 'previousEpoch' | 'previousSequence' | 'token' | 'predecessor'
>;

/** What a new epoch starts from: the ingest's own memory, as the stored one is gone, too old, or has lost writes. */
export interface EpochSeed {
  /** A fresh random epoch id. */
  readonly epoch: string;
  readonly recent: readonly RecentContent[];
  /** Epoch that this ingest saw last and its highest number in it, for edges to tell what is lost; empty and 0 when none. */
  readonly previousEpoch: string;
  readonly previousSequence: number;
}

export interface PublishRequest {
  readonly publishId: PublishId;
  /** Token of the state that the message was decided on; `undefined` when decided on no stored state. */
  readonly expectedToken: Token | undefined;
  /** Token of the state that this publish makes. */
  readonly token: Token;
  readonly decided: DecidedState;
  /** Highest sequence number that this ingest has ever seen; 0 when none. Numbers never go back below it. */
  readonly highestSequence: number;
  /** Permission to open a new epoch. Without it a publish that would need one is refused with the reason. */
  readonly seed?: EpochSeed;
  readonly message: OutgoingMessage;
}

/**
 * Why a publish was refused:
 * `moved`: another publish went in first; `missing`: there is no stored state; `expired`: its last accept is older than
 * STREAM_RETENTION_MS; `behind`: its number is below one that this ingest has seen (a failover lost writes).
 * The last three need a {@link EpochSeed}.
 */
export type RefusalReason = 'moved' | 'missing' | 'expired' | 'behind';

export type PublishOutcome =
  | {
      readonly result: 'published';
      readonly epoch: string;
      readonly sequence: number;
      /** This publish opened a new epoch. */
      readonly newEpoch: boolean;
      /** The publish id was known already: an earlier send of the same publish had gone in. */
      readonly repeated: boolean;
    }
  | { readonly result: 'refused'; readonly reason: RefusalReason; readonly state: StoredState | undefined };

/** Rejection of a backplane call that has no answer; whether it was carried out is unknown. */
export class BackplaneUnavailableError extends Error {
  override readonly name = 'BackplaneUnavailableError';
}

/** The ingest's side. */
export interface StreamPublisher {
  /** Connects. Resolves at once; readiness shows in `onAvailable`. Rejects when the server is unfit (version). */
  start(): Promise<void>;
  /** Called with `true` when calls can be made (again) and `false` when the connection is lost. */
  onAvailable(listener: (available: boolean) => void): void;
  /** @throws BackplaneUnavailableError */
  readState(): Promise<StoredState | undefined>;
  /**
   * Compare-and-append. Calls may overlap and are carried out in the order in which they were made.
   *
   * @throws BackplaneUnavailableError when the answer is lost; the same request may be sent again
   */
  publish(request: PublishRequest): Promise<PublishOutcome>;
  /** Idempotent; leaves no handle open. */
  stop(): Promise<void>;
}

/** Where the stored stream ends. */
export interface StreamHead {
  readonly epoch: string;
  readonly sequence: number;
  readonly token: Token;
}

export interface StreamSourceListener {
  /** A live message, as the channel delivered it: possibly with others missing before it. */
  message(envelope: Envelope): void;
  /** A message, live or in the history, of an envelope version that this release does not read. */
  unknownVersion(version: number): void;
  /** `false`: the live feed or the command connection broke; `true`: both work (again), messages may have been missed. */
  available(available: boolean): void;
}

/** What a history read gives. */
export interface HistoryRead {
  /** Oldest first, none older than STREAM_RETENTION_MS. */
  readonly envelopes: readonly Envelope[];
  /** Number of the oldest entry still in the history, of whatever age; `undefined` when the history is empty. */
  readonly oldestSequence: number | undefined;
  /** Number of the newest entry that was read, also of one that is too old or cannot be read; absent when that is not told. */
  readonly newestSequence?: number;
}

/** The edge's side. */
export interface StreamSource {
  /** Connects and subscribes. Resolves at once; readiness shows in `available`. Rejects when the server is unfit. */
  start(listener: StreamSourceListener): Promise<void>;
  /**
   * Reads the history's entries with a number above `sequence` (0: all of it).
   *
   * @throws BackplaneUnavailableError
   */
  readAfter(sequence: number): Promise<HistoryRead>;
  /**
   * @returns `undefined` while nothing was ever published
   * @throws BackplaneUnavailableError
   */
  head(): Promise<StreamHead | undefined>;
  /** Idempotent; leaves no handle open. */
  stop(): Promise<void>;
}

/** Bounds of the stored stream; the first reached holds, and the newest message is always kept. */
export interface StreamBounds {
  readonly streamMaxMessages: number;
  readonly streamMaxBytes: number;
  readonly streamRetentionMs: number;
}
