import {
  createCompressor,
  isJsonByConsumersRule,
  type Compressor,
  type CompressorOptions,
} from '../../shared/codec/brotli.ts';
import type { PayloadEncoding } from '../../shared/envelope.ts';
import type { Logger } from '../../shared/log.ts';
import type { EncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import type { UpstreamMessage } from '../message.ts';

export type EncoderOptions = CompressorOptions;

export interface EncoderDependencies {
  readonly metrics: EncodingMetrics;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** In place of the engine that the options name. The encoder stops it. */
  readonly compressor?: Compressor;
}

/** The form of a message that enters the stream. */
export interface EncodedMessage {
  readonly payload: Buffer;
  readonly payloadEncoding: PayloadEncoding;
}

/** Makes the one compressed form of each message that all edges share. */
export interface Encoder {
  /**
   * Never rejects: a message that cannot be compressed enters the stream plain, so that a broken engine costs bandwidth
   * and no message. Calls may overlap; the caller keeps the order.
   */
  encode(message: Pick<UpstreamMessage, 'kind' | 'content'>): Promise<EncodedMessage>;
  /** Idempotent. What is being encoded comes out plain. */
  stop(): Promise<void>;
}

/** Creates the encoder of COMPRESSION_ENGINE and COMPRESSION_QUALITY. The caller stops it. */
export function createEncoder(options: EncoderOptions, deps: EncoderDependencies): Encoder {
  return new CompressingEncoder(deps.compressor ?? createCompressor(options), deps);
}

class CompressingEncoder implements Encoder {
  readonly #compressor: Compressor;
  readonly #deps: EncoderDependencies;
  /** Messages that went out plain since the engine failed. */
  #failed = 0;
  #stopped = false;

  constructor(compressor: Compressor, deps: EncoderDependencies) {
    this.#compressor = compressor;
    this.#deps = deps;
  }

  async encode({ kind, content }: Pick<UpstreamMessage, 'kind' | 'content'>): Promise<EncodedMessage> {
    const { messageBytes, encodeDuration } = this.#deps.metrics;
    messageBytes.observe({ encoding: 'plain' }, content.length);
    // A raw message reaches clients as the Binary frame it came as, so that it has no other form.
    if (kind === 'raw') return { payload: content, payloadEncoding: 'plain' };
    const endTimer = encodeDuration.startTimer({ encoding: 'brotli' });
    let compressed: Buffer;
    try {
      compressed = await this.#compressor.compress(content);
    } catch {
      this.#compressionFailed();
      return { payload: content, payloadEncoding: 'plain' };
    }
    endTimer();
    this.#compressionWorked();
    messageBytes.observe({ encoding: 'brotli' }, compressed.length);
    // A few bytes of brotli can by chance be what consumers take for JSON.
    if (isJsonByConsumersRule(compressed)) return { payload: content, payloadEncoding: 'plain' };
    return { payload: compressed, payloadEncoding: 'brotli' };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#compressor.stop();
  }

  #compressionFailed(): void {
    if (this.#failed === 0 && !this.#stopped) {
      this.#deps.log.warn('compression fails, messages go out plain');
    }
    this.#failed++;
  }

  #compressionWorked(): void {
    if (this.#failed === 0) return;
    this.#deps.log.info({ plainMessages: this.#failed }, 'compression works again');
    this.#failed = 0;
  }
}
