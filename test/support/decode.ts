import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync } from 'node:zlib';

/** A frame's content as a consumer gets it. */
export interface DecodedFrame {
  readonly kind: 'text' | 'identity' | 'br' | 'raw';
  readonly plain: Buffer;
}

function isJson(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.toString('utf8').trimStart().startsWith('{');
}

/**
 * The consumers' own rule: valid UTF-8 whose first character that is no white space is `{` is JSON, everything else brotli. Kept
 * apart from the project's decoders, which it judges.
 */
export function decodeFrame(payload: Buffer, isBinary: boolean): DecodedFrame {
  if (!isBinary) return { kind: 'text', plain: payload };
  if (isJson(payload)) return { kind: 'identity', plain: payload };
  try {
    const plain = brotliDecompressSync(payload);
    return isJson(plain) ? { kind: 'br', plain } : { kind: 'raw', plain: payload };
  } catch {
    return { kind: 'raw', plain: payload };
  }
}
