import { Writable } from 'node:stream';
import { Changes } from './changes.ts';
import type { ToolIo } from '../../tools/tool-io.ts';

/** What a tool writes, kept for a test; `interrupt()` is its SIGINT. */
export class MemoryIo implements ToolIo {
  readonly changes = new Changes();
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly #interrupt = new AbortController();
  readonly interrupted = this.#interrupt.signal;
  out = '';
  err = '';

  constructor() {
    this.stdout = this.#sink((text) => (this.out += text));
    this.stderr = this.#sink((text) => (this.err += text));
  }

  #sink(take: (text: string) => void): Writable {
    return new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        take(chunk);
        this.changes.notify();
        done();
      },
    });
  }

  get lines(): string[] {
    return this.out.split('\n').slice(0, -1);
  }

  interrupt(): void {
    this.#interrupt.abort();
  }

  /** Waits for so many lines of output. */
  async wrote(lines: number): Promise<void> {
    await this.changes.until(
      () => this.lines.length >= lines,
      () => `${lines} lines of output, has ${this.lines.length}: ${this.err}`,
    );
  }
}
