import { writeSync } from 'node:fs';

/** What waits for a reader that is slow for a moment: some thousand lines. */
const MAX_WAITING_BYTES = 1_048_576;
/** How soon a reader that was full is tried again where no new line does it. */
const RETRY_MS = 50;
const STANDARD_OUTPUT = 1;

/** Writes what it can at once. Gives the number of bytes; throws where it can write nothing. */
export type WriteBytes = (bytes: Buffer) => number;

/**
 * Where a log's lines go, without ever holding up or ending what they tell of. Each is written at once, so that the last one before
 * an end is not lost. What cannot be written waits up to a bound: a pipe that nobody reads, a disk that is full. Beyond it lines
 * are let go and counted.
 */
export class LogOutput {
  readonly #write: WriteBytes;
  readonly #onLost: (lines: number) => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #retry: NodeJS.Timeout | undefined;

  /** @param onLost told how many lines were let go, once lines can be written again */
  constructor(onLost: (lines: number) => void, write: WriteBytes = (bytes) => writeSync(STANDARD_OUTPUT, bytes)) {
    this.#onLost = onLost;
    this.#write = write;
  }

  /** @param line with its line break */
  write(line: string): void {
    const bytes = Buffer.from(line);
    this.flush();
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.flush();
  }

  /** Writes what waits, as far as that goes. */
  flush(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (!this.#writeWaiting()) {
      this.#retry = setTimeout(() => {
        this.flush();
      }, RETRY_MS).unref();
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#onLost(lost);
  }

  /** @returns whether nothing waits any more */
  #writeWaiting(): boolean {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let written: number;
      try {
        written = this.#write(first);
      } catch {
        return false;
      }
      this.#waitingBytes -= written;
      if (written === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(written);
    }
    return true;
  }
}
