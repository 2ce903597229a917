/**
 * The envelope: what travels from ingest to edge, around one message of the stream. Binary, big-endian:
 *
 *     0    1  version
 *     1    2  header length in bytes, this and the version included; the payload follows
 *     3   16  epoch                 \
 *    19    8  sequence number        | filled in by the backplane when the message
 *    27   16  previous epoch         | enters the stream
 *    43    8  its last number       /
 *    51   16  own token
 *    67   16  predecessor's token
 *    83    1  kind: 0 json, 1 raw
 *    84    1  encoding of the payload: 0 plain, 1 brotli
 *    85    1  flags: 1 restart, 2 has a position
 *    86    8  block number
 *    94    2  flashblock index
 *    96   16  content hash
 *   112    8  time received by the ingest, Unix milliseconds as a double
 *   120    4  plain length in bytes
 *   124  2+n  payload id, its length first
 *         1+n  ingest id, its length first
 *
 * Fields are only ever added at the header's end: readers skip what follows the fields they know.
 */
import { createHash } from 'node:crypto';
import { MAX_PAYLOAD_ID_LENGTH, type Position } from './flashblock.ts';

export type PayloadEncoding = 'plain' | 'brotli';

/** One message of the stream. */
export interface Envelope {
  /** 32 hex characters. */
  readonly epoch: string;
  /** Number within the stream, from 1; rises over epochs too. */
  readonly sequence: number;
  /** The epoch before this one and the last number known in it; empty and 0 for the first epoch. */
  readonly previousEpoch: string;
  readonly previousSequence: number;
  /** 32 hex characters; names the state of the stream after this message. */
  readonly token: string;
  /** Token of the message before it; empty at the beginning of a stream. */
  readonly predecessor: string;
  /** `json`: the content is UTF-8 that begins with `{`; `raw`: anything else, passed on as the same Binary frame to all. */
  readonly kind: 'json' | 'raw';
  /** First message of a new run of positions (upstream-and-stream, "Restart"). */
  readonly restart: boolean;
  readonly position?: Position;
  readonly payloadId?: string;
  /** See {@link contentHashOf}. */
  readonly contentHash: string;
  /** When the ingest received it, Unix milliseconds with fractions, by that host's clock. */
  readonly receivedAtMs: number;
  readonly ingestId: string;
  /** Bytes of the plain content. */
  readonly plainLength: number;
  readonly payloadEncoding: PayloadEncoding;
  readonly payload: Buffer;
  /** The plain content where this process has it at hand; never encoded. */
  readonly plain?: Buffer;
}

const ENVELOPE_VERSION = 1;
/** The region that the backplane fills in. */
export const STAMP_OFFSET = 3;
export const STAMP_LENGTH = 48;
const FIXED_LENGTH = 124;
/** Header of an envelope whose two ids are empty. */
const MIN_HEADER_LENGTH = FIXED_LENGTH + 3;
const FLAG_RESTART = 1;
const FLAG_POSITION = 2;
const EMPTY_ID = Buffer.alloc(16);
const MAX_INGEST_ID_LENGTH = 255;

/** Bytes that are no envelope this release can read. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  /** The version found, where only the version is the problem. */
  readonly version: number | undefined;
  constructor(message: string, version?: number) {
    super(message);
    this.version = version;
  }
}

/** First 16 bytes of the SHA-256 of a message's plain content, as 32 hex characters. */
export function contentHashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

function idBytes(id: string): Buffer {
  return id === '' ? EMPTY_ID : Buffer.from(id, 'hex');
}

function readId(bytes: Buffer, offset: number): string {
  const id = bytes.toString('hex', offset, offset + 16);
  return /^0+$/.test(id) ? '' : id;
}

/** The 48 bytes of epoch and number, and of the epoch before, as they stand at {@link STAMP_OFFSET}. */
export function encodeStamp(
  stamp: Pick<Envelope, 'epoch' | 'sequence' | 'previousEpoch' | 'previousSequence'>,
): Buffer {
  const bytes = Buffer.alloc(STAMP_LENGTH);
  idBytes(stamp.epoch).copy(bytes, 0);
  bytes.writeBigUInt64BE(BigInt(stamp.sequence), 16);
  idBytes(stamp.previousEpoch).copy(bytes, 24);
  bytes.writeBigUInt64BE(BigInt(stamp.previousSequence), 40);
  return bytes;
}

/** Bytes that {@link encodeEnvelope} makes of an envelope; what STREAM_MAX_BYTES counts. */
export function encodedLength(envelope: Pick<Envelope, 'payloadId' | 'ingestId' | 'payload'>): number {
  const ingestIdLength = Math.min(Buffer.byteLength(envelope.ingestId), MAX_INGEST_ID_LENGTH);
  return MIN_HEADER_LENGTH + Buffer.byteLength(envelope.payloadId ?? '') + ingestIdLength + envelope.payload.length;
}

/** Encodes a whole envelope. An ingest id is cut at 255 bytes. */
export function encodeEnvelope(envelope: Envelope): Buffer {
  const payloadId = Buffer.from(envelope.payloadId ?? '', 'utf8');
  const ingestId = Buffer.from(envelope.ingestId, 'utf8').subarray(0, MAX_INGEST_ID_LENGTH);
  const headerLength = MIN_HEADER_LENGTH + payloadId.length + ingestId.length;
  const bytes = Buffer.alloc(headerLength + envelope.payload.length);
  bytes.writeUInt8(ENVELOPE_VERSION, 0);
  bytes.writeUInt16BE(headerLength, 1);
  encodeStamp(envelope).copy(bytes, STAMP_OFFSET);
  idBytes(envelope.token).copy(bytes, 51);
  idBytes(envelope.predecessor).copy(bytes, 67);
  bytes.writeUInt8(envelope.kind === 'raw' ? 1 : 0, 83);
  bytes.writeUInt8(envelope.payloadEncoding === 'brotli' ? 1 : 0, 84);
  bytes.writeUInt8((envelope.restart ? FLAG_RESTART : 0) | (envelope.position ? FLAG_POSITION : 0), 85);
  bytes.writeBigUInt64BE(BigInt(envelope.position?.blockNumber ?? 0), 86);
  bytes.writeUInt16BE(envelope.position?.index ?? 0, 94);
  idBytes(envelope.contentHash).copy(bytes, 96);
  bytes.writeDoubleBE(envelope.receivedAtMs, 112);
  bytes.writeUInt32BE(envelope.plainLength, 120);
  bytes.writeUInt16BE(payloadId.length, FIXED_LENGTH);
  payloadId.copy(bytes, FIXED_LENGTH + 2);
  const payloadIdEnd = FIXED_LENGTH + 2 + payloadId.length;
  bytes.writeUInt8(ingestId.length, payloadIdEnd);
  ingestId.copy(bytes, payloadIdEnd + 1);
  envelope.payload.copy(bytes, headerLength);
  return bytes;
}

/**
 * Decodes an envelope. The payload is a view into `bytes`.
 *
 * @throws EnvelopeError when the bytes are cut short or contradict themselves, or with `version` set when this release
 *   does not read that version
 */
export function decodeEnvelope(bytes: Buffer): Envelope {
  const version = bytes.length === 0 ? undefined : bytes.readUInt8(0);
  if (version === undefined) throw new EnvelopeError('an empty envelope');
  if (version !== ENVELOPE_VERSION)
    throw new EnvelopeError(`envelope version ${String(version)} is not known`, version);
  if (bytes.length < MIN_HEADER_LENGTH)
    throw new EnvelopeError(`an envelope of ${String(bytes.length)} bytes is cut short`);
  const headerLength = bytes.readUInt16BE(1);
  if (headerLength < MIN_HEADER_LENGTH || headerLength > bytes.length) {
    throw new EnvelopeError(
      `a header of ${String(headerLength)} bytes does not fit an envelope of ${String(bytes.length)}`,
    );
  }
  const header = bytes.subarray(0, headerLength);
  const payloadIdEnd = FIXED_LENGTH + 2 + header.readUInt16BE(FIXED_LENGTH);
  const ingestIdEnd = payloadIdEnd < headerLength ? payloadIdEnd + 1 + header.readUInt8(payloadIdEnd) : Infinity;
  if (ingestIdEnd > headerLength) throw new EnvelopeError('an id reaches past the header');
  const payloadId = header.toString('utf8', FIXED_LENGTH + 2, payloadIdEnd);
  if (payloadId.length > MAX_PAYLOAD_ID_LENGTH) throw new EnvelopeError('the payload id is too long');

  const flags = header.readUInt8(85);
  const payload = bytes.subarray(headerLength);
  const plainLength = header.readUInt32BE(120);
  const payloadEncoding = header.readUInt8(84) === 1 ? 'brotli' : 'plain';
  if (payloadEncoding === 'plain' && plainLength !== payload.length) {
    throw new EnvelopeError(
      `a plain payload of ${String(payload.length)} bytes is said to have ${String(plainLength)}`,
    );
  }
  const sequence = Number(header.readBigUInt64BE(19));
  const previousSequence = Number(header.readBigUInt64BE(43));
  const blockNumber = Number(header.readBigUInt64BE(86));
  if (![sequence, previousSequence, blockNumber].every(Number.isSafeInteger))
    throw new EnvelopeError('a number is out of range');
  return {
    epoch: readId(header, 3),
    sequence,
    previousEpoch: readId(header, 27),
    previousSequence,
    token: readId(header, 51),
    predecessor: readId(header, 67),
    kind: header.readUInt8(83) === 1 ? 'raw' : 'json',
    restart: (flags & FLAG_RESTART) !== 0,
    ...((flags & FLAG_POSITION) !== 0 && { position: { blockNumber, index: header.readUInt16BE(94) } }),
    ...(payloadId !== '' && { payloadId }),
    contentHash: header.toString('hex', 96, 112),
    receivedAtMs: header.readDoubleBE(112),
    ingestId: header.toString('utf8', payloadIdEnd + 1, ingestIdEnd),
    plainLength,
    payloadEncoding,
    payload,
  };
}
