/**
 * Brotli as the stream uses it: window 22, one self-contained stream per message, no dictionary. Decoding is bounded by
 * the plain size; encoding is done by one of two engines behind {@link Compressor}.
 */
import { brotliDecompressSync } from 'node:zlib';
import { NativeCompressor } from './native-compressor.ts';
import type { Compressor, CompressorOptions } from './compressor.ts';
import { WasmCompressor } from './wasm-compressor.ts';

export type { CompressionEngine, Compressor, CompressorOptions } from './compressor.ts';
export { isJsonByConsumersRule } from './json-rule.ts';

export type Decompressed =
  { readonly ok: true; readonly plain: Buffer } | { readonly ok: false; readonly reason: 'oversized' | 'not_brotli' };

/** The part of zlib's `info` result that tells how much of the input the stream took. */
interface InfoResult {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}

/**
 * Decodes one whole brotli stream. Inflating stops at the bound, so that a bomb costs no more than a message of that size.
 *
 * @param payload the stream and nothing else: bytes that follow its end, or a missing end, make it `not_brotli`
 * @param maxPlainBytes largest plain size that is given back; a larger one is `oversized`
 */
export function decompressBounded(payload: Buffer, maxPlainBytes: number): Decompressed {
  try {
    const options = { maxOutputLength: Math.max(1, maxPlainBytes), info: true };
    const { buffer, engine } = brotliDecompressSync(payload, options) as unknown as InfoResult;
    if (engine.bytesWritten !== payload.length) return { ok: false, reason: 'not_brotli' };
    return buffer.length <= maxPlainBytes ? { ok: true, plain: buffer } : { ok: false, reason: 'oversized' };
  } catch (error) {
    return { ok: false, reason: isTooLarge(error) ? 'oversized' : 'not_brotli' };
  }
}

/** Makes a compressor of the chosen engine. The caller stops it. */
export function createCompressor(options: CompressorOptions): Compressor {
  switch (options.compressionEngine) {
    case 'native':
      return new NativeCompressor(options);
    case 'wasm':
      return new WasmCompressor(options);
  }
}
