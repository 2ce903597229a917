/**
 * Reads a server's frames without keeping them: length, kind and a fingerprint of each message. What a client of a load test
 * costs is mostly this, so that nothing is allocated or copied for a message, whatever pieces it comes in.
 */

/** Opcodes of RFC 6455, 11.8, as far as they are told apart here. */
export const OPCODE = { continuation: 0, close: 8, ping: 9, pong: 10 } as const;

export interface FrameSink {
  /**
   * A text or binary message ended.
   *
   * @param fingerprint a whole number below 2^53: the same bytes give the same number
   * @param bytes of its payload
   */
  message(fingerprint: number, bytes: number): void;
  /** @param lead the first two bytes of the payload as a number: a Close frame's code; 0 where it has none */
  control(opcode: number, lead: number): void;
  /** Pieces of payloads in their order; only where somebody reads them. The bytes are valid during the call alone. */
  piece?(bytes: Uint8Array): void;
}

/** Bytes at both ends of a payload that go into its fingerprint: the head names block and index, or what brotli made of them. */
const HEAD_BYTES = 64;
const TAIL_BYTES = 16;
/** Lengths count in a fingerprint modulo 2^21; with 32 bits of hash that fits a double. */
const LENGTH_MODULUS = 2 ** 21;
/** FNV-1a. */
const HASH_BASIS = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** Longest frame header of a server: two bytes and a length of eight. */
const MAX_HEADER = 10;

export class FrameMeter {
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(MAX_HEADER);
  #headerLength = 0;
  #opcode = 0;
  #final = false;
  #length = 0;
  /** Bytes of the frame's payload that were seen. */
  #seen = 0;
  #inPayload = false;
  #hash = HASH_BASIS;
  #lead = 0;
  /** Of the message that the frames belong to. */
  #messageHash = 0;
  #messageBytes = 0;
  #startedAt = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** When the first byte of the latest message came. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /**
   * Takes the next bytes.
   *
   * @param now when they came, by any clock
   * @returns whether they obey the protocol; where not, nothing may be read any more
   */
  read(bytes: Uint8Array, from: number, to: number, now: number): boolean {
    let at = from;
    while (at < to) {
      if (this.#inPayload) at = this.#takePayload(bytes, at, to);
      else {
        this.#header[this.#headerLength++] = bytes[at++] ?? 0;
        const header = this.#readHeader();
        if (header === 'broken') return false;
        if (header === 'partial') continue;
        this.#beginFrame(now);
      }
      if (this.#seen === this.#length) this.#endFrame();
    }
    return true;
  }

  #readHeader(): 'partial' | 'whole' | 'broken' {
    if (this.#headerLength < 2) return 'partial';
    const [first = 0, second = 0] = this.#header;
    if ((first & 0x70) !== 0 || second > 127) return 'broken';
    const needed = second < 126 ? 2 : second === 126 ? 4 : MAX_HEADER;
    if (this.#headerLength < needed) return 'partial';
    this.#opcode = first & 0x0f;
    this.#final = first >= 0x80;
    this.#length = second < 126 ? second : 0;
    for (let at = 2; at < needed; at++) this.#length = this.#length * 256 + (this.#header[at] ?? 0);
    return 'whole';
  }

  #beginFrame(now: number): void {
    this.#headerLength = 0;
    this.#seen = 0;
    this.#hash = HASH_BASIS;
    this.#lead = 0;
    this.#inPayload = true;
    if (this.#opcode === OPCODE.continuation || this.#opcode >= OPCODE.close) return;
    this.#messageHash = 0;
    this.#messageBytes = 0;
    this.#startedAt = now;
  }

  #takePayload(bytes: Uint8Array, at: number, to: number): number {
    const end = Math.min(to, at + this.#length - this.#seen);
    if (this.#opcode >= OPCODE.close) {
      for (let offset = at; offset < end && this.#seen + offset - at < 2; offset++)
        this.#lead = this.#lead * 256 + (bytes[offset] ?? 0);
    } else {
      this.#sink.piece?.(bytes.subarray(at, end));
      const headEnd = Math.min(end, at + HEAD_BYTES - this.#seen);
      const tailFrom = Math.max(at, headEnd, at + this.#length - TAIL_BYTES - this.#seen);
      let hash = this.#hash;
      for (let offset = at; offset < headEnd; offset++) hash = Math.imul(hash ^ (bytes[offset] ?? 0), HASH_PRIME);
      for (let offset = tailFrom; offset < end; offset++) hash = Math.imul(hash ^ (bytes[offset] ?? 0), HASH_PRIME);
      this.#hash = hash;
    }
    this.#seen += end - at;
    return end;
  }

  #endFrame(): void {
    this.#inPayload = false;
    if (this.#opcode >= OPCODE.close) {
      this.#sink.control(this.#opcode, this.#lead);
      return;
    }
    this.#messageHash = Math.imul(this.#messageHash, HASH_PRIME) ^ this.#hash;
    this.#messageBytes += this.#length;
    if (!this.#final) return;
    this.#sink.message(
      (this.#messageHash >>> 0) * LENGTH_MODULUS + (this.#messageBytes % LENGTH_MODULUS),
      this.#messageBytes,
    );
  }
}
