import { decodeFrame } from './decode.ts';
import { Dial } from './dial.ts';
import type { ClientEvent } from './event.ts';
import { MessageBuffer } from './message-buffer.ts';
import type { Frame, ResumePoint, StreamMessage } from './message.ts';
import { checkResume, readBounds, type Bounds, type ClientOptions } from './options.ts';
import { isNewest, OrderTracker } from './order-tracker.ts';
import { describeEnd, redialAfter } from './redial.ts';
import { dialUrl, hasFilter, readStreamUrl } from './stream-url.ts';
import type { ConnectionEnd, Opening, Platform } from './transport.ts';

/** What was read from a client so far; what still waits to be read is not in it. */
export interface ClientStats {
  readonly messages: number;
  readonly wireBytes: number;
  readonly plainBytes: number;
  /** Places at which something is missing, and flashblocks that came after their successors. */
  readonly gaps: number;
  readonly repeats: number;
  readonly restarts: number;
  /** Connections after the first. */
  readonly reconnects: number;
}

/**
 * A stream of flashblocks that is followed over any number of connections: `for await (const message of client)`.
 *
 * Messages come in the order in which the server sent them. A reader that is slower than the stream makes the client stop reading
 * from the server when a bound is reached: nothing is dropped on this side, but a server leaves a client that is too
 * slow, and what it no longer has when the client comes back shows as a `gap`.
 *
 * Leaving the loop, `close()` or the signal end the client. A refusal that waiting does not cure throws a `ClientError` once
 * all that was received before has been read.
 */
export interface FlashcastClient extends AsyncIterable<StreamMessage> {
  /** The flashblock that was read last: kept by the caller, and given as `resume`, a later client goes on behind it. */
  readonly position: ResumePoint | undefined;
  readonly stats: ClientStats;
  /** Ends it, and forgets what was not read. Resolves when the socket is gone; idempotent. */
  close(): Promise<void>;
}

/** See {@link FlashcastClient}; what differs between browsers and Node is handed in. */
export class StreamClient implements FlashcastClient {
  readonly #url: URL;
  readonly #options: ClientOptions;
  readonly #bounds: Bounds;
  readonly #platform: Platform;
  readonly #tracker: OrderTracker;
  readonly #buffer: MessageBuffer<StreamMessage>;
  readonly #stats = { messages: 0, wireBytes: 0, plainBytes: 0, gaps: 0, repeats: 0, restarts: 0, reconnects: 0 };
  #dial: Dial | undefined;
  #cancelDial: () => void = () => undefined;
  #failures = 0;
  #connections = 0;
  /** There is no connection because the reader is slow; there will be one when there is room. */
  #left = false;
  #read: ResumePoint | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Dials at once.
   *
   * @throws TypeError for a URL that is none of a stream, RangeError for a number or position out of range
   */
  constructor(url: string | URL, options: ClientOptions, platform: Platform) {
    this.#url = readStreamUrl(url);
    this.#options = options;
    this.#bounds = readBounds(options);
    this.#platform = platform;
    checkResume(options.resume);
    this.#read = options.resume;
    this.#tracker = new OrderTracker(hasFilter(this.#url), options.resume);
    const { maxBufferedMessages, maxBufferedBytes } = this.#bounds;
    this.#buffer = new MessageBuffer(maxBufferedMessages, maxBufferedBytes, () => {
      this.#onRoom();
    });
    if (options.signal?.aborted === true) {
      void this.close();
      return;
    }
    this.#connect();
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get position(): ResumePoint | undefined {
    return this.#read;
  }

  get stats(): ClientStats {
    return { ...this.#stats };
  }

  close(): Promise<void> {
    this.#buffer.discard();
    this.#closed ??= this.#end();
    return this.#closed;
  }

  /** No generator: the `return()` of one waits behind a `next()` that waits for a message, which may never come. */
  [Symbol.asyncIterator](): AsyncIterableIterator<StreamMessage, undefined> {
    const iterator: AsyncIterableIterator<StreamMessage, undefined> = {
      next: async () => {
        const value = await this.#take();
        return value === undefined ? { done: true, value } : { done: false, value };
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** The next message, when there is one; at the end, and before it throws, the socket is gone. */
  async #take(): Promise<StreamMessage | undefined> {
    try {
      const message = await this.#buffer.take();
      if (message === undefined) await this.close();
      else this.#count(message);
      return message;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  readonly #onAbort = (): void => {
    void this.close();
  };

  async #end(error?: Error): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#cancelDial();
    this.#buffer.end(error);
    await this.#dial?.close();
  }

  /** What the listener throws is thrown where nobody catches it, and not through the client, which would be left half-way. */
  #emit(event: ClientEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      this.#platform.clock.after(0, () => {
        throw error;
      });
    }
  }

  /** @param from where to go on; behind the newest message, where there is one */
  #connect(from: ResumePoint | 'live' | undefined = this.#tracker.point): void {
    const { encoding, snapshot = false } = this.#options;
    const { connectTimeoutMs, idleTimeoutMs } = this.#bounds;
    const { open, clock } = this.#platform;
    const url = dialUrl(this.#url, { ...(encoding !== undefined && { encoding }), snapshot, from });
    this.#dial = new Dial(
      { url, open, clock, connectTimeoutMs, idleTimeoutMs },
      {
        opened: (opening) => this.#onOpened(opening),
        frame: (frame) => this.#onFrame(frame),
        ended: (end) => this.#onEnded(end, typeof from === 'object'),
      },
    );
  }

  #onOpened(opening: Opening): void {
    const again = this.#connections > 0;
    this.#connections++;
    if (again) this.#stats.reconnects++;
    this.#emit({ type: 'connected', again, ...opening });
  }

  #onFrame(frame: Frame): void {
    this.#failures = 0;
    const { encoding, plain, json, flashblock } = decodeFrame(
      frame,
      this.#platform.inflate,
      this.#bounds.maxMessageBytes,
    );
    const received = { frame, encoding, plain, ...this.#now() };
    const bytes = frame.bytes.length + (plain === frame.bytes ? 0 : plain.length);
    if (flashblock === undefined) this.#buffer.push({ ...received, kind: 'other', json }, bytes);
    else {
      const { position, payloadId } = flashblock;
      const placed = this.#tracker.take(flashblock);
      this.#buffer.push(
        { ...received, kind: 'flashblock', position, payloadId, flashblock: flashblock.json, ...placed },
        bytes,
      );
    }
    if (this.#buffer.full) this.#hold();
  }

  #now(): Pick<StreamMessage, 'receivedAtMs' | 'receivedAtMonotonicMs'> {
    const { clock } = this.#platform;
    return { receivedAtMs: clock.unixMs(), receivedAtMonotonicMs: clock.monotonicMs() };
  }

  #count(message: StreamMessage): void {
    const stats = this.#stats;
    stats.messages++;
    stats.wireBytes += message.frame.bytes.length;
    stats.plainBytes += message.plain.length;
    if (message.kind === 'other') return;
    const { order, position, payloadId } = message;
    if (order === 'gap' || order === 'late') stats.gaps++;
    else if (order === 'repeat') stats.repeats++;
    else if (order === 'restart') stats.restarts++;
    if (isNewest(order)) this.#read = { ...position, payloadId };
  }

  /** The reader is behind: no more is taken from the server until half is read. */
  #hold(): void {
    const dial = this.#dial;
    if (dial === undefined || dial.paused) return;
    if (dial.pause()) {
      this.#emit({ type: 'slow-reader', action: 'paused' });
      return;
    }
    this.#left = true;
    this.#dial = undefined;
    void dial.close();
    this.#emit({ type: 'slow-reader', action: 'left' });
  }

  #onRoom(): void {
    if (this.#closed !== undefined) return;
    if (this.#left) {
      this.#left = false;
      this.#connect();
    } else this.#dial?.resume();
  }

  #onEnded(end: ConnectionEnd, resumed: boolean): void {
    this.#dial = undefined;
    const { reconnect = true } = this.#options;
    const rules = { reconnect, ...this.#bounds };
    const history = { failures: this.#failures, resumed, worked: this.#connections > 0 };
    const next = redialAfter(end, rules, history, this.#platform.clock.random());
    const reason = describeEnd(end);
    const what = { type: 'disconnected', reason, ...(end.kind === 'closed' && { code: end.code }) } as const;
    this.#failures++;
    if (next.kind === 'fail') {
      this.#emit(what);
      this.#closed ??= this.#end(next.error);
      return;
    }
    const retryInMs = next.kind === 'plain' ? 0 : next.delayMs;
    this.#emit({ ...what, retryInMs });
    // The listener may have closed the client.
    if (this.#isClosed()) return;
    if (this.#buffer.full) {
      this.#left = true;
      return;
    }
    this.#cancelDial = this.#platform.clock.after(retryInMs, () => {
      this.#connect(next.kind === 'plain' ? 'live' : undefined);
    });
  }

  #isClosed(): boolean {
    return this.#closed !== undefined;
  }
}
