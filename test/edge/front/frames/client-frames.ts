import type { Breach, FrameHandler } from '../../../../edge/front/frames/frame-reader.ts';

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface ClientFrame {
  readonly opcode: number;
  readonly payload?: Buffer;
  readonly final?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  /** `undefined`: not masked, which is wrong. */
  readonly mask?: number | undefined;
  /** Bits that the length is written in; default: as few as it needs. */
  readonly lengthBits?: 7 | 16 | 64;
}

function lengthField(length: number, bits: 7 | 16 | 64): Buffer {
  if (bits === 7) return Buffer.from([length & 0x7f]);
  const field = Buffer.alloc(1 + bits / 8);
  field[0] = bits === 16 ? 126 : 127;
  if (bits === 16) field.writeUInt16BE(length & 0xffff, 1);
  else field.writeBigUInt64BE(BigInt(length), 1);
  return field;
}

/** A frame as a client sends it; also such as none may send. */
export function clientFrame(frame: ClientFrame): Buffer {
  const { opcode, payload = Buffer.alloc(0), final = true, reserved = 0 } = frame;
  const mask = 'mask' in frame ? frame.mask : 0x01020304;
  const least = payload.length < 126 ? 7 : payload.length <= 0xffff ? 16 : 64;
  const length = lengthField(payload.length, frame.lengthBits ?? least);
  if (mask !== undefined) length[0]! |= 0x80;
  const key = Buffer.alloc(mask === undefined ? 0 : 4);
  if (mask !== undefined) key.writeUInt32BE(mask >>> 0);
  const masked = mask === undefined ? payload : payload.map((byte, at) => byte ^ key[at % 4]!);
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | (reserved << 4) | opcode]), length, key, masked]);
}

/** Writes down what it is told, and goes on until it has been told of so many frames. */
export class NotingHandler implements FrameHandler {
  readonly told: string[] = [];
  readonly #frames: number;

  constructor(frames = Infinity) {
    this.#frames = frames;
  }

  pinged(payload: Buffer): boolean {
    return this.#note(`ping ${payload.toString('hex')}`);
  }

  ponged(): boolean {
    return this.#note('pong');
  }

  messaged(): boolean {
    return this.#note('message');
  }

  closeReceived(payload: Buffer): void {
    this.#note(`close ${payload.toString('hex')}`);
  }

  broken(breach: Breach): void {
    this.#note(breach);
  }

  #note(what: string): boolean {
    this.told.push(what);
    return this.told.length < this.#frames;
  }
}
