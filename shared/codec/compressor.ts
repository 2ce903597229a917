/** COMPRESSION_ENGINE: `native` is node:zlib, `wasm` is brotli-wasm in a worker thread. */
export type CompressionEngine = 'native' | 'wasm';

export interface CompressorOptions {
  readonly compressionEngine: CompressionEngine;
  /** COMPRESSION_QUALITY, 0 to 11. */
  readonly compressionQuality: number;
}

/** Compresses messages without holding the event loop up. */
export interface Compressor {
  /**
   * Calls may overlap; their promises settle in any order.
   *
   * @param plain left untouched, and not to be changed before the promise settles
   * @returns one whole brotli stream
   * @throws CompressorError when the engine failed, is full or stopped; the message itself is never at fault
   */
  compress(plain: Buffer): Promise<Buffer>;
  /** Idempotent; what is unfinished rejects. */
  stop(): Promise<void>;
}

/** A message could not be compressed. */
export class CompressorError extends Error {
  override readonly name = 'CompressorError';
  readonly reason: 'busy' | 'failed' | 'stopped';
  constructor(reason: CompressorError['reason']) {
    super(`compression: ${reason}`);
    this.reason = reason;
  }
}

/** As many as an ingest keeps while Redis is away (the default of PUBLISH_BUFFER_MESSAGES): nothing waits for more of them. */
const MAX_JOBS = 64;
/** The default of PUBLISH_BUFFER_BYTES, for the same reason. */
const MAX_BYTES = 33_554_432;

/** Bounds what an engine has in hand, by messages and by plain bytes; one message alone is admitted whatever its size. */
export class CompressorLoad {
  #jobs = 0;
  #bytes = 0;

  /** @throws CompressorError `busy` */
  add(bytes: number): void {
    if (this.#jobs >= MAX_JOBS || (this.#jobs > 0 && this.#bytes + bytes > MAX_BYTES))
      throw new CompressorError('busy');
    this.#jobs++;
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#jobs--;
    this.#bytes -= bytes;
  }
}
