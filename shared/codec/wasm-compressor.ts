import { Worker } from 'node:worker_threads';
import { CompressorError, CompressorLoad, type Compressor, type CompressorOptions } from './compressor.ts';

/** What the worker thread is asked. */
export interface WasmJob {
  readonly id: number;
  readonly plain: Uint8Array;
  readonly quality: number;
}

/** What it answers; without `compressed` when the engine refused the job. */
export interface WasmResult {
  readonly id: number;
  readonly compressed?: Uint8Array;
}

interface PendingJob {
  readonly bytes: number;
  readonly resolve: (compressed: Buffer) => void;
  readonly reject: (error: CompressorError) => void;
}

/** Starting a worker costs tens of milliseconds of a core: one that crashes on every message is started once a second only. */
const RESTART_EVERY_MS = 1000;

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './wasm-worker.ts' : './wasm-worker.js', import.meta.url);

/** brotli-wasm in a worker thread: the same bytes on every platform, and the loop stays free. */
export class WasmCompressor implements Compressor {
  readonly #quality: number;
  readonly #workerUrl: URL;
  readonly #now: () => number;
  readonly #load = new CompressorLoad();
  readonly #pending = new Map<number, PendingJob>();
  #worker: Worker | undefined;
  #startedAt = -Infinity;
  #lastId = 0;
  #stopped = false;

  /**
   * @param workerUrl another worker that speaks {@link WasmJob} and {@link WasmResult}
   * @param now a monotonic clock in milliseconds
   */
  constructor(options: CompressorOptions, workerUrl: URL = WORKER, now: () => number = () => performance.now()) {
    this.#quality = options.compressionQuality;
    this.#workerUrl = workerUrl;
    this.#now = now;
    this.#startWorker();
  }

  async compress(plain: Buffer): Promise<Buffer> {
    if (this.#stopped) throw new CompressorError('stopped');
    const worker = this.#worker ?? this.#startWorker();
    if (worker === undefined) throw new CompressorError('failed');
    this.#load.add(plain.length);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { bytes: plain.length, resolve, reject });
      worker.postMessage({ id, plain, quality: this.#quality } satisfies WasmJob);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#rejectPending('stopped');
    await worker?.terminate();
  }

  #startWorker(): Worker | undefined {
    const now = this.#now();
    if (now - this.#startedAt < RESTART_EVERY_MS) return undefined;
    this.#startedAt = now;
    // The process' own flags load what TypeScript needs; compiled code starts sooner without them.
    const worker = new Worker(this.#workerUrl, this.#workerUrl.pathname.endsWith('.ts') ? {} : { execArgv: [] });
    // A thread that ends by an error emits 'error' and then 'exit'; only the latter is certain to come.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#rejectPending('failed');
    });
    worker.on('message', (result: WasmResult) => {
      this.#settle(result);
    });
    this.#worker = worker;
    return worker;
  }

  #settle({ id, compressed }: WasmResult): void {
    const job = this.#take(id);
    if (compressed === undefined) job?.reject(new CompressorError('failed'));
    else job?.resolve(Buffer.from(compressed.buffer, compressed.byteOffset, compressed.byteLength));
  }

  #rejectPending(reason: CompressorError['reason']): void {
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(new CompressorError(reason));
  }

  #take(id: number): PendingJob | undefined {
    const job = this.#pending.get(id);
    if (job !== undefined) {
      this.#pending.delete(id);
      this.#load.remove(job.bytes);
    }
    return job;
  }
}
