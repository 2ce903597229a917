/** What a reader of a stream gets. Types only: nothing here depends on where the client runs. */

/** Where a flashblock stands in the stream. */
export interface Position {
  /** `metadata.block_number`: a whole number from 0 to 2^53-1. */
  readonly blockNumber: number;
  /** `index`: a whole number from 0 to 65535. */
  readonly index: number;
}

/** What a server is told to send what follows it. */
export interface ResumePoint extends Position {
  /** Tells which one is meant where a block was built twice. */
  readonly payloadId?: string;
}

/**
 * How a flashblock follows the one before it, by the rules of a base node.
 *
 * - `first`: nothing came before it.
 * - `next`: the next index of the block, or index 0 of the next block.
 * - `repeat`: the latest one again; a base node ignores it.
 * - `gap`: something between it and the one before is missing; a base node waits for the next index 0.
 * - `late`: it stands before what already came; a base node waits for the next index 0.
 * - `restart`: another payload of the same block, or a chain that began anew at an earlier block.
 * - `unknown`: the stream is filtered, so that holes say nothing.
 */
export type Order = 'first' | 'next' | 'repeat' | 'gap' | 'late' | 'restart' | 'unknown';

/** The fields of a flashblock that every builder sends. Beyond these nothing is checked: it is the builder's JSON. */
export interface FlashblockJson {
  readonly payload_id: string;
  readonly index: number;
  /** With index 0 only. */
  readonly base?: Readonly<Record<string, unknown>> | null;
  readonly diff?: Readonly<Record<string, unknown>> | null;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly block_number: number };
}

/** A frame as it came. */
export interface Frame {
  readonly isText: boolean;
  readonly bytes: Uint8Array;
}

interface Received {
  readonly frame: Frame;
  /** How it came: a Text frame, Binary JSON, Binary brotli, or Binary that is neither or that could not be inflated. */
  readonly encoding: 'text' | 'identity' | 'br' | 'raw';
  /** The JSON's bytes; the frame's own where it is no JSON. */
  readonly plain: Uint8Array;
  /** When it was read, in Unix milliseconds. */
  readonly receivedAtMs: number;
  /** The same by `performance.now()`, for intervals. */
  readonly receivedAtMonotonicMs: number;
}

export interface FlashblockMessage extends Received {
  readonly kind: 'flashblock';
  readonly position: Position;
  readonly payloadId: string;
  readonly flashblock: FlashblockJson;
  readonly order: Order;
  /** What a base node would have gone on with; given for `gap` and `late`. */
  readonly expected?: readonly Position[];
}

/** What is no flashblock: wrappers, end markers, unknown Binary. Servers pass it on untouched. */
export interface OtherMessage extends Received {
  readonly kind: 'other';
  /** The parsed JSON, `undefined` where it is none. */
  readonly json: unknown;
}

export type StreamMessage = FlashblockMessage | OtherMessage;
