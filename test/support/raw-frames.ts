/** A frame as it stands on the wire from a server: unmasked, unfragmented. */
export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * Cuts a server's byte stream into frames, without checking more than a test needs: a fragment, a mask or a reserved bit is an
 * error, since flashcast sends none.
 */
export class FrameCutter {
  #rest: Buffer | undefined;

  /** Frames that are whole now; payloads are views into the chunk where it holds them whole. */
  push(chunk: Buffer): RawFrame[] {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: RawFrame[] = [];
    let offset = 0;
    for (;;) {
      const left = bytes.length - offset;
      if (left < 2) break;
      const first = bytes.readUInt8(offset);
      const second = bytes.readUInt8(offset + 1);
      if ((first & 0xf0) !== 0x80 || second > 0x7f)
        throw new Error(`a frame begins with ${bytes.toString('hex', offset, offset + 2)}`);
      const header = second < 126 ? 2 : second === 126 ? 4 : 10;
      if (left < header) break;
      const length =
        second < 126
          ? second
          : second === 126
            ? bytes.readUInt16BE(offset + 2)
            : Number(bytes.readBigUInt64BE(offset + 2));
      if (left < header + length) break;
      frames.push({
        opcode: first & 0x0f,
        payload: bytes.subarray(offset + header, offset + header + length),
      });
      offset += header + length;
    }
    this.#rest = offset < bytes.length ? bytes.subarray(offset) : undefined;
    return frames;
  }
}

/** A client's control frame, masked with zeros. */
export function controlFrame(opcode: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
