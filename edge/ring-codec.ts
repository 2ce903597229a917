import { brotliCompressSync } from 'node:zlib';
import { decompressBounded } from '../shared/codec/brotli.ts';
import { brotliOptions } from '../shared/codec/brotli-options.ts';
import type { RingCodec } from './stream/ring-entry.ts';

/** The default of COMPRESSION_QUALITY; messages come compressed from the ingest, and only those that did not are compressed here. */
const QUALITY = 4;

/** Brotli for the ring, on the loop: a frame is there when it is asked for. */
export const ringCodec: RingCodec = {
  decompress: (payload, plainLength) => {
    const result = decompressBounded(payload, plainLength);
    return result.ok ? result.plain : undefined;
  },
  compress: (plain) => brotliCompressSync(plain, brotliOptions(plain.length, QUALITY)),
};
