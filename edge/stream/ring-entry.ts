import { isUtf8 } from 'node:buffer';
import type { Envelope } from '../../shared/envelope.ts';
import { type ScanForm, readScanForm } from '../filter/scan-form.ts';
import type { ClientEncoding, Delivery, RingEntry } from './contract.ts';
import { BINARY, TEXT, dataFrame, headerLength } from './frame.ts';

/** Turns payloads into each other; both calls block, as a frame is needed when it is asked for. */
export interface RingCodec {
  /** @returns `undefined` when the payload is not the brotli form of exactly `plainLength` bytes; never inflates past them */
  decompress(payload: Buffer, plainLength: number): Buffer | undefined;
  compress(plain: Buffer): Buffer;
}

/** What an entry tells the ring that keeps it. */
export interface RingEntryOwner {
  /** The entry grew by a frame or its scan form. */
  grown(entry: RingEntry, bytes: number): void;
  /** An encoding was made, in `seconds`, and has `bytes`. */
  encoded(encoding: 'br' | 'identity', seconds: number, bytes: number): void;
  /** The payload is not what its envelope says; told once per entry. */
  undecodable(entry: RingEntry): void;
}

/** Content of a frame with this much payload, without copying it. */
function contentOf(frame: Buffer, length: number): Buffer {
  return frame.subarray(headerLength(length));
}

/**
 * A message with its frames. The payload is copied into the frame that carries it as it is, and the kept envelope's payload
 * is a view into that frame: the message is held once, and the network buffer that it arrived in is let go.
 */
export class KeptMessage implements RingEntry {
  readonly ordinal: number;
  readonly envelope: Envelope;
  readonly lostBefore: number;
  readonly arrivedAt: number;
  readonly #codec: RingCodec;
  readonly #owner: RingEntryOwner;
  /** `null`: cannot be made. */
  readonly #frames: Partial<Record<ClientEncoding, Buffer | null>> = {};
  /** `null`: cannot be made. */
  #scanForm: ScanForm | null | undefined;
  #bytes: number;

  constructor(ordinal: number, delivery: Delivery, now: number, codec: RingCodec, owner: RingEntryOwner) {
    const { envelope } = delivery;
    const frame = dataFrame(BINARY, envelope.payload);
    const payload = contentOf(frame, envelope.payload.length);
    const plain = envelope.payloadEncoding === 'plain' ? payload : envelope.plain;
    this.ordinal = ordinal;
    this.envelope = { ...envelope, payload, ...(plain && { plain }) };
    this.lostBefore = delivery.lostBefore;
    this.arrivedAt = now;
    this.#codec = codec;
    this.#owner = owner;
    this.#frames[envelope.payloadEncoding === 'plain' ? 'identity' : 'br'] = frame;
    this.#bytes = frame.length + (plain === undefined || plain === payload ? 0 : plain.length);
  }

  get bytes(): number {
    return this.#bytes;
  }

  frame(encoding: ClientEncoding): Buffer | undefined {
    const wanted = this.envelope.kind === 'raw' ? 'identity' : encoding;
    const kept = this.#frames[wanted];
    return kept === undefined ? this.#make(wanted) : (kept ?? undefined);
  }

  scanForm(): ScanForm | undefined {
    if (this.#scanForm === undefined) {
      const plain = this.envelope.position === undefined ? undefined : this.#plain();
      const form = plain && readScanForm(plain);
      this.#scanForm = form ?? null;
      if (form !== undefined) this.#grow(form.bytes);
    }
    return this.#scanForm ?? undefined;
  }

  #make(encoding: ClientEncoding): Buffer | undefined {
    const frame = encoding === 'br' ? this.#compressed() : this.#plainFrame(encoding);
    if (frame === undefined) {
      if (!Object.values(this.#frames).includes(null)) this.#owner.undecodable(this);
      this.#frames[encoding] = null;
      return undefined;
    }
    this.#frames[encoding] = frame;
    this.#grow(frame.length);
    return frame;
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#owner.grown(this, bytes);
  }

  /** Only for a message that came plain: one that came compressed has its frame from the beginning. */
  #compressed(): Buffer {
    const startedAt = performance.now();
    const payload = this.#codec.compress(this.envelope.payload);
    this.#owner.encoded('br', (performance.now() - startedAt) / 1000, payload.length);
    return dataFrame(BINARY, payload);
  }

  #plainFrame(encoding: 'identity' | 'text'): Buffer | undefined {
    const plain = this.#plain();
    if (plain === undefined) return undefined;
    if (encoding === 'identity') return dataFrame(BINARY, plain);
    // A client must fail a connection with a Text frame that is not UTF-8 (RFC 6455, 8.1): one bad message would end them all.
    return isUtf8(plain) ? dataFrame(TEXT, plain) : undefined;
  }

  #plain(): Buffer | undefined {
    const { plain, plainLength, payload } = this.envelope;
    if (plain !== undefined) return plain;
    const made = this.#frames.identity ?? this.#frames.text;
    if (made) return contentOf(made, plainLength);
    if (this.#frames.identity === null) return undefined;
    const startedAt = performance.now();
    const decompressed = this.#codec.decompress(payload, plainLength);
    if (decompressed?.length !== plainLength) return undefined;
    this.#owner.encoded('identity', (performance.now() - startedAt) / 1000, plainLength);
    return decompressed;
  }
}
