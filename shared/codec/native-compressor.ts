import { promisify } from 'node:util';
import { brotliCompress, brotliCompressSync } from 'node:zlib';
import { brotliOptions } from './brotli-options.ts';
import { CompressorError, CompressorLoad, type Compressor, type CompressorOptions } from './compressor.ts';

const brotliCompressInPool = promisify(brotliCompress);

/**
 * Up to this plain size, and at qualities up to {@link ON_LOOP_MAX_QUALITY}, compressing takes at most some 0.7 ms, while the
 * way to zlib's thread pool and back adds 0.35 ms to a message that comes to an idle process, which is what flashblocks do: for usual
 * messages of 25 to 45 KB the loop is quicker. Larger ones go to the pool, so that no message holds the loop up for longer.
 */
const ON_LOOP_MAX_BYTES = 65_536;
/** From quality 6 on brotli searches so long that even 2 KB take milliseconds. */
const ON_LOOP_MAX_QUALITY = 5;

/** node:zlib: small messages on the loop, all others in zlib's thread pool. */
export class NativeCompressor implements Compressor {
  readonly #quality: number;
  readonly #load = new CompressorLoad();
  #stopped = false;

  constructor(options: CompressorOptions) {
    this.#quality = options.compressionQuality;
  }

  /** Where a message of this plain size is compressed. */
  static placeOf(plainBytes: number, quality: number): 'loop' | 'pool' {
    return plainBytes <= ON_LOOP_MAX_BYTES && quality <= ON_LOOP_MAX_QUALITY ? 'loop' : 'pool';
  }

  async compress(plain: Buffer): Promise<Buffer> {
    if (this.#stopped) throw new CompressorError('stopped');
    const options = brotliOptions(plain.length, this.#quality);
    if (NativeCompressor.placeOf(plain.length, this.#quality) === 'loop') return brotliCompressSync(plain, options);
    this.#load.add(plain.length);
    try {
      return await brotliCompressInPool(plain, options);
    } catch {
      throw new CompressorError('failed');
    } finally {
      this.#load.remove(plain.length);
    }
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }
}
