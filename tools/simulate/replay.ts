/** Publishes a recording of `flashcast watch --record` with its own timing. */
import { readFlashblockHead } from '../../shared/flashblock.ts';
import { readPlain } from '../read-plain.ts';
import { readRecording, RecordingError, type RecordedFrame } from '../recording.ts';
import type { Publisher } from './publisher.ts';

export interface ReplayOptions {
  readonly file: string;
  /** 2 sends twice as fast. */
  readonly speed: number;
  /** Begin anew at the end, for as long as it is not stopped. */
  readonly loop: boolean;
}

/** A pause between the last frame of a loop and the first of the next, as between two messages. */
const LOOP_PAUSE_MS = 182;

/** Told when a replay, or one round of it, is over. */
export interface ReplaySummary {
  readonly frames: number;
  readonly bytes: number;
}

export class Replay {
  readonly #publisher: Pick<Publisher, 'send'>;
  readonly #options: ReplayOptions;
  readonly #onRound: (summary: ReplaySummary) => void;
  readonly #stopped = new AbortController();

  constructor(publisher: Pick<Publisher, 'send'>, options: ReplayOptions, onRound: (summary: ReplaySummary) => void) {
    this.#publisher = publisher;
    this.#options = options;
    this.#onRound = onRound;
  }

  /**
   * Resolves at the recording's end, or when it is stopped.
   *
   * @throws RecordingError where the file is no recording, or one without a frame; the system's error where it cannot be read
   */
  async run(): Promise<void> {
    const { file, loop } = this.#options;
    do {
      const summary = { frames: 0, bytes: 0 };
      const beganAt = performance.now();
      for await (const frame of readRecording(file)) {
        await this.#wait(beganAt + frame.atMs / this.#options.speed - performance.now());
        if (this.#isStopped()) return;
        this.#send(frame);
        summary.frames++;
        summary.bytes += frame.bytes.length;
      }
      if (summary.frames === 0) throw new RecordingError('the recording has no frame');
      this.#onRound(summary);
      if (loop) await this.#wait(LOOP_PAUSE_MS / this.#options.speed);
    } while (loop && !this.#isStopped());
  }

  /** Idempotent. */
  stop(): void {
    this.#stopped.abort();
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #send({ isText, bytes }: RecordedFrame): void {
    const plain = readPlain(bytes);
    this.#publisher.send(bytes, !isText, plain && readFlashblockHead(plain)?.position);
  }

  async #wait(ms: number): Promise<void> {
    if (ms <= 0 || this.#isStopped()) return;
    const { signal } = this.#stopped;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    });
  }
}
