/**
 * Whole WebSocket frames as a server sends them (RFC 6455, 5.2): final, unmasked, header and payload in one buffer, so that
 * a frame is made once and written to any number of sockets.
 */

export const TEXT = 0x1;
export const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FINAL = 0x80;
/** Longest payload whose length fits the header's second byte; also the most that a control frame may carry (5.5). */
const MAX_SHORT_LENGTH = 125;
const MAX_16_BIT_LENGTH = 0xffff;
const LENGTH_IN_16_BITS = 126;
const LENGTH_IN_64_BITS = 127;

/** Length of a frame's header, in bytes. */
export function headerLength(payloadLength: number): number {
  if (payloadLength <= MAX_SHORT_LENGTH) return 2;
  return payloadLength <= MAX_16_BIT_LENGTH ? 4 : 10;
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const start = headerLength(length);
  const bytes = Buffer.allocUnsafe(start + length);
  bytes[0] = FINAL | opcode;
  if (start === 2) {
    bytes[1] = length;
  } else if (start === 4) {
    bytes[1] = LENGTH_IN_16_BITS;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = LENGTH_IN_64_BITS;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  payload.copy(bytes, start);
  return bytes;
}

function controlFrame(opcode: number, payload: Buffer): Buffer {
  if (payload.length > MAX_SHORT_LENGTH)
    throw new RangeError(`a control frame carries at most ${MAX_SHORT_LENGTH} bytes, not ${payload.length}`);
  return frame(opcode, payload);
}

/** The longest beginning of a text that is whole characters and has at most `maxBytes` bytes of UTF-8. */
function truncateUtf8(text: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  let end = Math.min(bytes.length, maxBytes);
  while (end < bytes.length && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

const NOTHING = Buffer.alloc(0);
const PING_FRAME = frame(PING, NOTHING);

/** A Text or Binary message in one frame. The payload is copied. */
export function dataFrame(opcode: typeof TEXT | typeof BINARY, payload: Buffer): Buffer {
  return frame(opcode, payload);
}

/** A ping without payload; always the same buffer. */
export function pingFrame(): Buffer {
  return PING_FRAME;
}

/** @throws RangeError when the payload is longer than the 125 bytes that a control frame may carry */
export function pongFrame(payload: Buffer): Buffer {
  return controlFrame(PONG, payload);
}

/** @param reason cut at a character's end where it exceeds the 123 bytes that remain beside the code */
export function closeFrame(code: number, reason: string): Buffer {
  const text = truncateUtf8(reason, MAX_SHORT_LENGTH - 2);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return controlFrame(CLOSE, payload);
}

/**
 * The answer to a client's Close frame.
 *
 * @param payload the client's: its code and reason are given back
 * @throws RangeError when it is longer than a control frame's may be
 */
export function closeReply(payload: Buffer): Buffer {
  return controlFrame(CLOSE, payload);
}
