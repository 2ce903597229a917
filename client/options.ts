import { isRecord } from '../shared/codec/json-object.ts';
import { MAX_FLASHBLOCK_INDEX, MAX_PAYLOAD_ID_LENGTH } from '../shared/flashblock.ts';
import type { ClientEvent } from './event.ts';
import type { ResumePoint } from './message.ts';

export interface ClientOptions {
  /** How frames are to come. Default: the server's own choice; in browsers without `inflate` it is `identity`. */
  readonly encoding?: 'br' | 'identity' | 'text';
  /** Begin behind this flashblock, as a client that stopped with it does. */
  readonly resume?: ResumePoint;
  /** Without a position: begin at index 0 of the current block instead of with the next message. */
  readonly snapshot?: boolean;
  /** Ends the client when it is aborted, as `close()` does. */
  readonly signal?: AbortSignal;
  /** Told of connections as they come and go. What it throws is an error of the caller's: it goes uncaught, and the client on. */
  readonly onEvent?: (event: ClientEvent) => void;
  /** Whether to connect again after the end of a connection; default true. */
  readonly reconnect?: boolean;
  /** The longest wait before the first reconnect, in milliseconds; it doubles from try to try. Default 500. */
  readonly backoffMs?: number;
  /** The longest wait before any reconnect, in milliseconds; default 10,000. */
  readonly maxBackoffMs?: number;
  /** How long a connection may take, in milliseconds; default 10,000. */
  readonly connectTimeoutMs?: number;
  /**
   * A connection on which nothing came for this long is given up, in milliseconds; default 20,000, 0 for never. In Node pings are
   * sent and every frame counts; browsers see messages only.
   */
  readonly idleTimeoutMs?: number;
  /** Messages that wait for a slow reader at most; default 256, which is some 45 s of Base. */
  readonly maxBufferedMessages?: number;
  /** Bytes of such messages at most; one message may always wait. Default 32 MiB. */
  readonly maxBufferedBytes?: number;
  /** The largest message, plain or as a frame, in bytes; default 16 MiB. */
  readonly maxMessageBytes?: number;
}

/** The numbers of {@link ClientOptions}, all there. */
export interface Bounds {
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxBufferedMessages: number;
  readonly maxBufferedBytes: number;
  readonly maxMessageBytes: number;
}

const MIB = 1024 * 1024;
/** Longer timers than this fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Default and least value of each. */
const NUMBERS: { readonly [Name in keyof Bounds]: readonly [initial: number, least: number] } = {
  backoffMs: [500, 1],
  maxBackoffMs: [10_000, 1],
  connectTimeoutMs: [10_000, 1],
  idleTimeoutMs: [20_000, 0],
  maxBufferedMessages: [256, 1],
  maxBufferedBytes: [32 * MIB, 1],
  maxMessageBytes: [16 * MIB, 1],
};

/** @throws RangeError that names the option and the value received */
export function readBounds(options: ClientOptions): Bounds {
  const entries = Object.entries(NUMBERS).map(([name, [initial, least]]) => {
    const value = options[name as keyof Bounds] ?? initial;
    if (!Number.isSafeInteger(value) || value < least || value > MAX_TIMER_MS)
      throw new RangeError(`${name}: expected a whole number from ${least} to ${MAX_TIMER_MS}, received ${value}`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as unknown as Bounds;
}

const isWhole = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;

/**
 * A position comes out of somebody's file or storage: one that is none must not become a client that quietly begins anywhere.
 *
 * @throws RangeError that says what was expected
 */
export function checkResume(point: unknown): void {
  if (point === undefined) return;
  const { blockNumber, index, payloadId = '0x' } = isRecord(point) ? point : {};
  const fits =
    isWhole(blockNumber, Number.MAX_SAFE_INTEGER) &&
    isWhole(index, MAX_FLASHBLOCK_INDEX) &&
    typeof payloadId === 'string' &&
    payloadId.length > 0 &&
    payloadId.length <= MAX_PAYLOAD_ID_LENGTH;
  if (!fits)
    throw new RangeError(
      'resume: expected { blockNumber, index } of whole numbers and perhaps a payloadId, as `position` gives it',
    );
}
