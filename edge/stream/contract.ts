/** What the ring shows to the fan-out, and what the follower hands to the ring. */
import type { Envelope } from '../../shared/envelope.ts';
import type { ScanForm } from '../filter/scan-form.ts';

/** How a client wants its messages: `br` Binary brotli, `identity` Binary plain JSON, `text` Text frames of plain JSON. */
export type ClientEncoding = 'br' | 'identity' | 'text';

/** A message that follows what the edge delivered before, with what is known to be missing in front of it. */
export interface Delivery {
  readonly envelope: Envelope;
  /** Messages before it that could not be recovered; 0 when the stream is whole. */
  readonly lostBefore: number;
}

/** One message in the ring. */
export interface RingEntry {
  /** Number within this process' ring, from 0, without gaps. */
  readonly ordinal: number;
  readonly envelope: Envelope;
  readonly lostBefore: number;
  /** When it entered the ring, in milliseconds of the monotonic clock. */
  readonly arrivedAt: number;
  /** Bytes that it counts for: its payload, and the frames and the scan form made of it so far. */
  readonly bytes: number;
  /**
   * The whole WebSocket frame, header and payload in one buffer, made on first use and shared by all clients. A `raw`
   * message gives the same Binary frame for every encoding.
   *
   * @returns `undefined` when the payload cannot be decoded (counted once by the ring)
   */
  frame(encoding: ClientEncoding): Buffer | undefined;
  /**
   * What filters look at, made on first use.
   *
   * @returns `undefined` when it is no flashblock, or cannot be decoded or parsed
   */
  scanForm(): ScanForm | undefined;
}

/** The recent stream in memory. A client is a cursor: the ordinal of the next entry that it is to get. */
export interface Ring {
  /** Ordinal that the next appended entry will have. A cursor equal to it has everything. */
  readonly head: number;
  /** Ordinal of the oldest entry kept; equals {@link head} when the ring is empty. */
  readonly tail: number;
  append(delivery: Delivery, now: number): RingEntry;
  /** `undefined` when the ordinal is not (or no longer) in the ring. */
  at(ordinal: number): RingEntry | undefined;
}
