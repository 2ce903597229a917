/**
 * The backplane of `flashcast proxy`: ingest and edge in one process, joined by a {@link MemoryStream}. A publish reaches
 * every source before it returns. Nothing is copied or encoded: sources get the envelope with the `plain` content and
 * the payload that the ingest made.
 */
import {
  BackplaneUnavailableError,
  type HistoryRead,
  type PublishOutcome,
  type PublishRequest,
  type StoredState,
  type StreamBounds,
  type StreamHead,
  type StreamPublisher,
  type StreamSource,
  type StreamSourceListener,
} from './backplane.ts';
import type { Envelope } from '../envelope.ts';
import { MemoryStream } from './memory-stream.ts';

export interface MemoryBackplane {
  publisher(): StreamPublisher;
  source(): StreamSource;
}

/** Joins the publishers and the sources of one process. */
class MemoryBus {
  readonly stream: MemoryStream;
  readonly now: () => number;
  readonly #listeners = new Set<StreamSourceListener>();

  constructor(bounds: StreamBounds, now: () => number) {
    this.stream = new MemoryStream(bounds);
    this.now = now;
  }

  subscribe(listener: StreamSourceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  deliver(envelope: Envelope): void {
    for (const listener of this.#listeners) listener.message(envelope);
  }
}

class MemoryPublisher implements StreamPublisher {
  readonly #bus: MemoryBus;
  readonly #listeners: ((available: boolean) => void)[] = [];
  #running = false;

  constructor(bus: MemoryBus) {
    this.#bus = bus;
  }

  start(): Promise<void> {
    if (this.#running) return Promise.resolve();
    this.#running = true;
    for (const listener of this.#listeners) listener(true);
    return Promise.resolve();
  }

  onAvailable(listener: (available: boolean) => void): void {
    this.#listeners.push(listener);
    if (this.#running) listener(true);
  }

  readState(): Promise<StoredState | undefined> {
    return this.#answer(() => this.#bus.stream.state(this.#bus.now()));
  }

  publish(request: PublishRequest): Promise<PublishOutcome> {
    return this.#answer(() => {
      const { outcome, appended } = this.#bus.stream.append(request, this.#bus.now());
      if (appended !== undefined) this.#bus.deliver(appended);
      return outcome;
    });
  }

  stop(): Promise<void> {
    this.#running = false;
    return Promise.resolve();
  }

  #answer<T>(give: () => T): Promise<T> {
    if (!this.#running) return Promise.reject(new BackplaneUnavailableError('the publisher is not running'));
    return Promise.resolve(give());
  }
}

class MemorySource implements StreamSource {
  readonly #bus: MemoryBus;
  #unsubscribe: (() => void) | undefined;

  constructor(bus: MemoryBus) {
    this.#bus = bus;
  }

  start(listener: StreamSourceListener): Promise<void> {
    if (this.#unsubscribe !== undefined) return Promise.resolve();
    this.#unsubscribe = this.#bus.subscribe(listener);
    listener.available(true);
    return Promise.resolve();
  }

  readAfter(sequence: number): Promise<HistoryRead> {
    return this.#answer(() => this.#bus.stream.readAfter(sequence, this.#bus.now()));
  }

  head(): Promise<StreamHead | undefined> {
    return this.#answer(() => this.#bus.stream.head());
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }

  #answer<T>(give: () => T): Promise<T> {
    if (this.#unsubscribe === undefined)
      return Promise.reject(new BackplaneUnavailableError('the source is not running'));
    return Promise.resolve(give());
  }
}

/**
 * A backplane within this process.
 *
 * @param options.now milliseconds of a monotonic clock
 */
export function createMemoryBackplane(
  bounds: StreamBounds,
  { now = () => performance.now() }: { readonly now?: () => number } = {},
): MemoryBackplane {
  const bus = new MemoryBus(bounds, now);
  return { publisher: () => new MemoryPublisher(bus), source: () => new MemorySource(bus) };
}
