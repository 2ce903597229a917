import { Client, type ClientSocket, type Slowness } from '../../../edge/fanout/client.ts';
import type { ClientEncoding } from '../../../edge/stream/contract.ts';

/** A socket whose kernel takes as much as the test says. */
export class FakeSocket implements ClientSocket {
  /** Frames in the order in which they were written. */
  readonly written: Buffer[] = [];
  /** Bytes that the kernel still takes. */
  room = Infinity;
  errored: Error | null = null;
  readonly #queue: { left: number; done: (() => void) | undefined }[] = [];

  get writableLength(): number {
    return this.#queue.reduce((sum, { left }) => sum + left, 0);
  }

  /** As a TCP handle of Node tells what the kernel has not taken. */
  readonly _handle = { writeQueueSize: 0 };

  write(bytes: Buffer | string | Uint8Array, ...rest: unknown[]): boolean {
    const frame = bytes as Buffer;
    const done = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (frame.length > 0) this.written.push(frame);
    this.#queue.push({ left: frame.length, done });
    this.take(0);
    return true;
  }

  destroy(error?: Error): never {
    throw error ?? new Error('the fan-out ends no connection');
  }

  /** The kernel takes more bytes. */
  take(bytes: number): void {
    this.room += bytes;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const taken = Math.min(first.left, this.room);
      first.left -= taken;
      this.room -= taken;
      this._handle.writeQueueSize = this.writableLength;
      if (first.left > 0) return;
      this.#queue.shift();
      first.done?.();
    }
  }
}

export class FakeClient extends Client {
  declare readonly socket: FakeSocket;
  override open = true;
  slowness: Slowness | undefined;

  constructor(encoding: ClientEncoding = 'identity', cursor = 0) {
    super(new FakeSocket(), encoding, cursor);
  }

  override tooSlow(slowness: Slowness): void {
    this.slowness = slowness;
    this.open = false;
  }
}
