import { flashblockJson } from './messages.ts';
import type { TestBuilder } from './builder.ts';

/** Indices of a block, as on Base. */
const INDICES = 11;
const FIRST_BLOCK = 500;

/** A builder's stream at a steady pace, to all of its connections, that knows what it sent. */
export class PacedStream implements AsyncDisposable {
  /** The positions sent, as `block-index`. */
  readonly sent: string[] = [];
  /** When each was sent, by `performance.now()`. */
  readonly sentAt: number[] = [];
  readonly #builder: TestBuilder;
  readonly #note: string;
  readonly #timer: NodeJS.Timeout;

  /** @param note text that each message carries, for its size */
  constructor(builder: TestBuilder, everyMs: number, note = '') {
    this.#builder = builder;
    this.#note = note;
    this.#timer = setInterval(() => this.send(), everyMs);
  }

  /** Sends the next message now. */
  send(): void {
    const number = this.sent.length;
    const position = { blockNumber: FIRST_BLOCK + Math.floor(number / INDICES), index: number % INDICES };
    this.sent.push(`${position.blockNumber}-${position.index}`);
    this.sentAt.push(performance.now());
    this.#builder.sendText(flashblockJson(position, { note: this.#note }));
    this.#builder.changes.notify();
  }

  /** Waits until so many more were sent. */
  async sentMore(count: number): Promise<void> {
    const goal = this.sent.length + count;
    await this.#builder.changes.until(() => this.sent.length >= goal, `${count} more messages of the builder`, 60_000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    return Promise.resolve();
  }
}
