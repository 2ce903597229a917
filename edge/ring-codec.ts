import { brotliCompressSync, constants } from 'node:zlib';
import { decompressBounded } from '../shared/codec/brotli.ts';
import type { RingCodec } from './stream/ring-entry.ts';

/** The default of COMPRESSION_QUALITY; messages come compressed from the ingest, and only those that did not are compressed here. */
const QUALITY = 4;
/** The window that consumers and the reference use (client-protocol: "Frames to clients"). */
const WINDOW_BITS = 22;

/** Brotli for the ring, on the loop: a frame is there when it is asked for. */
export const ringCodec: RingCodec = {
  decompress: (payload, plainLength) => {
    const result = decompressBounded(payload, plainLength);
    return result.ok ? result.plain : undefined;
  },
  compress: (plain) =>
    brotliCompressSync(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    }),
};
