import { randomBytes } from 'node:crypto';

/** What a frame's first two bytes say, however wrong. */
export interface FrameShape {
  readonly fin?: boolean;
  readonly opcode: number;
  /** The three reserved bits. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** The length that is claimed; default the payload's. */
  readonly claimed?: number;
  readonly payload?: Buffer;
}

/** A client's frame of any shape, its mask drawn by the system or given. */
export function clientFrame(shape: FrameShape, mask: Buffer = randomBytes(4)): Buffer {
  const { fin = true, opcode, reserved = 0, masked = true, payload = Buffer.alloc(0) } = shape;
  const claimed = shape.claimed ?? payload.length;
  const maskBit = masked ? 0x80 : 0;
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const head =
    claimed < 126
      ? Buffer.from([first, maskBit | claimed])
      : claimed < 65_536
        ? Buffer.from([first, maskBit | 126, claimed >> 8, claimed & 0xff])
        : Buffer.concat([Buffer.from([first, maskBit | 127]), uint64(claimed)]);
  const body = masked ? Buffer.from(payload.map((byte, at) => byte ^ mask.readUInt8(at % 4))) : payload;
  return Buffer.concat([head, masked ? mask : Buffer.alloc(0), body]);
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
