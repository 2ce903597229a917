import { constants, type BrotliOptions } from 'node:zlib';

/** The window that consumers and the reference use (client-protocol, "Frames to clients"). */
const WINDOW_BITS = 22;

/**
 * zlib's options for one message. The text mode gains nothing on flashblocks: neither bytes nor time differ from the generic
 * one.
 *
 * @param quality 0 to 11
 */
export function brotliOptions(plainBytes: number, quality: number): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: plainBytes,
    },
  };
}
