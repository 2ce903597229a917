/**
 * Reads the frames that a client sends (RFC 6455, 5). Clients have nothing to say, so it looks at their heads and keeps nothing but
 * the payload of a ping or a Close; what a frame costs is the same whatever it carries. Pure: bytes are handed in, in chunks of any
 * size, and are not kept.
 *
 * It is over with the first frame that breaks a rule, with a Close, and where its handler says so: what follows in the same chunk is
 * not looked at, so that a flood costs no more than the frames it may send.
 */
import { isUtf8 } from 'node:buffer';

/** What a client's frames break: the protocol, the bound on a message's size, or those on its frames and reads. */
export type Breach = 'protocol' | 'frame_size' | 'frame_rate';

/** Told of each frame when it is whole. The first three say whether to go on. */
export interface FrameHandler {
  /** @param payload at most 125 bytes; its own to keep */
  pinged(payload: Buffer): boolean;
  ponged(): boolean;
  /** A Text or Binary message has ended. */
  messaged(): boolean;
  /** @param payload a status code and a reason in UTF-8, as a Close frame may carry them (5.5.1), or nothing: it is given back */
  closeReceived(payload: Buffer): void;
  broken(breach: Breach): void;
}

/** Bytes of a client's message; clients have nothing to say (client-protocol: "Frames to clients"). */
const MAX_MESSAGE_BYTES = 4096;
/** Frames of one message, and reads that a frame's payload may come in: a message of 4 KiB needs one of each, or a few on a bad link. */
const MAX_FRAGMENTS = 20;
const MAX_READS = 64;

const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;
const RESERVED_BITS = 0x70;
const OPCODE_BITS = 0x0f;
const LENGTH_BITS = 0x7f;
/** Most that a control frame may carry (5.5). */
const MAX_CONTROL_BYTES = 125;
const LENGTH_IN_16_BITS = 126;
const MASK_BYTES = 4;

/** What the next byte is. */
const OPCODE_BYTE = 0;
const LENGTH_BYTE = 1;
const MORE_LENGTH = 2;
const MASK = 3;
const PAYLOAD = 4;
const OVER = 5;

const NOTHING = Buffer.alloc(0);

/** Status codes that may stand in a Close frame (7.4). */
function isStatusCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

/** The frames of one client. */
export class FrameReader {
  #next = OPCODE_BYTE;
  /** Bytes of the extended length or of the mask that are still to come. */
  #headLeft = 0;
  #opcode = 0;
  #final = false;
  /** Payload of the running frame: its length, then what is still to come of it. */
  #left = 0;
  #mask = 0;
  /** Payload of a ping or a Close, as far as it has come. */
  #payload: Buffer | undefined = undefined;
  /** Chunks that ended within the running frame's payload. */
  #reads = 0;
  /** A message has begun and not ended: its frames and their bytes. */
  #fragmented = false;
  #fragments = 0;
  #messageBytes = 0;

  /**
   * @param bytes only the first `length` count
   * @returns whether it goes on: not after a Close, a breach or the handler's no
   */
  read(bytes: Uint8Array, length: number, handler: FrameHandler): boolean {
    let at = 0;
    if (this.#next === PAYLOAD && this.#reads >= MAX_READS) this.#break('frame_rate', handler);
    while (at < length && this.#next !== OVER) {
      if (this.#next === PAYLOAD) at += this.#takePayload(bytes, at, length, handler);
      else {
        this.#takeHead(bytes[at] ?? 0, handler);
        at += 1;
      }
    }
    return this.#next !== OVER;
  }

  #takeHead(byte: number, handler: FrameHandler): void {
    switch (this.#next) {
      case OPCODE_BYTE:
        this.#opcode = byte;
        this.#next = LENGTH_BYTE;
        break;
      case LENGTH_BYTE:
        this.#begin(this.#opcode, byte, handler);
        break;
      case MORE_LENGTH:
        this.#left = this.#left * 256 + byte;
        this.#headLeft -= 1;
        if (this.#headLeft === 0) this.#haveLength(handler);
        break;
      default:
        this.#mask = (this.#mask << 8) | byte;
        this.#headLeft -= 1;
        if (this.#headLeft === 0) this.#haveHead(handler);
    }
  }

  /** The first two bytes of a frame are there, and tell nearly all that can be wrong with it. */
  #begin(first: number, second: number, handler: FrameHandler): void {
    const opcode = first & OPCODE_BITS;
    const length = second & LENGTH_BITS;
    const isControl = opcode >= CLOSE;
    this.#opcode = opcode;
    this.#final = (first & FINAL) !== 0;
    const allowed = isControl
      ? opcode <= PONG && this.#final && length <= MAX_CONTROL_BYTES && !(opcode === CLOSE && length === 1)
      : opcode <= BINARY && (opcode === CONTINUATION) === this.#fragmented;
    if (!allowed || (first & RESERVED_BITS) !== 0 || (second & MASKED) === 0) {
      this.#break('protocol', handler);
      return;
    }
    if (length < LENGTH_IN_16_BITS) {
      this.#left = length;
      this.#haveLength(handler);
      return;
    }
    this.#left = 0;
    this.#headLeft = length === LENGTH_IN_16_BITS ? 2 : 8;
    this.#next = MORE_LENGTH;
  }

  #haveLength(handler: FrameHandler): void {
    if (this.#opcode < CLOSE) {
      this.#messageBytes += this.#left;
      if (this.#messageBytes > MAX_MESSAGE_BYTES) {
        this.#break('frame_size', handler);
        return;
      }
    }
    this.#headLeft = MASK_BYTES;
    this.#mask = 0;
    this.#next = MASK;
  }

  #haveHead(handler: FrameHandler): void {
    if (this.#left === 0) {
      this.#end(handler);
      return;
    }
    // Not from the pool: a client that never ends its frame would keep a whole slab.
    if (this.#opcode === PING || this.#opcode === CLOSE) this.#payload = Buffer.allocUnsafeSlow(this.#left);
    this.#reads = 0;
    this.#next = PAYLOAD;
  }

  /** @returns how many bytes it took */
  #takePayload(bytes: Uint8Array, from: number, length: number, handler: FrameHandler): number {
    const count = Math.min(this.#left, length - from);
    const payload = this.#payload;
    if (payload !== undefined) {
      const start = payload.length - this.#left;
      for (let n = 0; n < count; n += 1)
        payload[start + n] = (bytes[from + n] ?? 0) ^ (this.#mask >>> (24 - 8 * ((start + n) & 3)));
    }
    this.#left -= count;
    if (this.#left === 0) this.#end(handler);
    else this.#reads += 1;
    return count;
  }

  #end(handler: FrameHandler): void {
    const payload = this.#payload ?? NOTHING;
    this.#payload = undefined;
    this.#next = OPCODE_BYTE;
    let goesOn: boolean;
    if (this.#opcode === PING) goesOn = handler.pinged(payload);
    else if (this.#opcode === PONG) goesOn = handler.ponged();
    else if (this.#opcode === CLOSE) {
      this.#close(payload, handler);
      return;
    } else goesOn = this.#endData(handler);
    if (!goesOn) this.#next = OVER;
  }

  /** @returns whether to go on */
  #endData(handler: FrameHandler): boolean {
    this.#fragments += 1;
    if (this.#fragments > MAX_FRAGMENTS) {
      handler.broken('frame_rate');
      return false;
    }
    this.#fragmented = !this.#final;
    if (this.#fragmented) return true;
    this.#fragments = 0;
    this.#messageBytes = 0;
    return handler.messaged();
  }

  #close(payload: Buffer, handler: FrameHandler): void {
    this.#next = OVER;
    if (payload.length === 0 || (isStatusCode(payload.readUInt16BE(0)) && isUtf8(payload.subarray(2))))
      handler.closeReceived(payload);
    else handler.broken('protocol');
  }

  #break(breach: Breach, handler: FrameHandler): void {
    this.#next = OVER;
    handler.broken(breach);
  }
}
