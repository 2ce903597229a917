import { hash } from 'node:crypto';
import { contentHashOf } from '../../shared/envelope.ts';
import { readFlashblockHead, type FlashblockHead } from '../../shared/flashblock.ts';
import { decodeFrame, type DecodedFrame } from './decode.ts';

/** A message that some client received, in the order in which the first client saw each. */
export interface SeenMessage {
  /** Plain content; a raw frame as it is. */
  readonly plain: Buffer;
  readonly contentHash: string;
  readonly head: FlashblockHead | undefined;
  /** When the first client had it, by `performance.now()`. */
  readonly at: number;
}

/** What many clients received, each message once: a client then keeps numbers. It lives as long as one test's clients. */
export class MessageTable {
  readonly messages: SeenMessage[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #frames = new Map<string, { readonly number: number; readonly kind: DecodedFrame['kind'] }>();

  /** The number of a message and the kind of its frame; a frame's bytes are decoded the first time. */
  register(payload: Buffer, isBinary: boolean): { readonly number: number; readonly kind: DecodedFrame['kind'] } {
    const wire = (isBinary ? 'b' : 't') + hash('sha1', payload, 'base64');
    const known = this.#frames.get(wire);
    if (known !== undefined) return known;
    const { plain, kind } = decodeFrame(payload, isBinary);
    const contentHash = contentHashOf(plain);
    let number = this.#numbers.get(contentHash);
    if (number === undefined) {
      number = this.messages.length;
      const head = kind === 'raw' ? undefined : readFlashblockHead(plain);
      this.messages.push({ plain: Buffer.from(plain), contentHash, head, at: performance.now() });
      this.#numbers.set(contentHash, number);
    }
    const frame = { number, kind };
    this.#frames.set(wire, frame);
    return frame;
  }
}
