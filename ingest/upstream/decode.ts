import { decompressBounded, isJsonByConsumersRule } from '../../shared/codec/brotli.ts';

/** What a frame of an upstream holds. */
export type DecodedFrame =
  | {
      /** `json`: `content` is JSON by the consumers' rule; `raw`: what the frame holds is neither JSON nor brotli of JSON. */
      readonly kind: 'json' | 'raw';
      readonly content: Buffer;
    }
  | { readonly kind: 'oversized' };

/**
 * Tells apart what arrives from upstream (upstream-and-stream, "What arrives"): Text JSON, Binary JSON, Binary brotli.
 *
 * It runs where the frame was read, on the event loop, at any size: the bound on the plain size keeps the longest
 * inflation near 10 ms at the default of MAX_MESSAGE_BYTES, usual messages take 0.1 to 0.2 ms, which is what a way to a
 * thread and back costs, and nothing can overtake.
 *
 * @param data the payload of one message, its fragments joined
 * @param isBinary whether it came as Binary; Text is valid UTF-8
 * @param maxMessageBytes largest plain size; larger is `oversized`, and is never inflated past it
 */
export function decodeFrame(data: Buffer, isBinary: boolean, maxMessageBytes: number): DecodedFrame {
  const sized = (kind: 'json' | 'raw', content: Buffer): DecodedFrame =>
    content.length <= maxMessageBytes ? { kind, content } : { kind: 'oversized' };
  if (isJsonByConsumersRule(data)) return sized('json', data);
  if (!isBinary) return sized('raw', data);
  const inflated = decompressBounded(data, maxMessageBytes);
  if (!inflated.ok) return inflated.reason === 'oversized' ? { kind: 'oversized' } : sized('raw', data);
  return isJsonByConsumersRule(inflated.plain) ? { kind: 'json', content: inflated.plain } : sized('raw', data);
}
