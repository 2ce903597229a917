import {
  BackplaneUnavailableError,
  type PublishOutcome,
  type PublishRequest,
  type StoredState,
  type StreamBounds,
  type StreamPublisher,
} from '../../../shared/backplane/backplane.ts';
import { MemoryStream } from '../../../shared/backplane/memory-stream.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import type { Random } from '../sequencer/chain-model.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A stored stream that may lose its newest part, and what subscribers got of it. */
export class FaultyStore {
  readonly time: VirtualTime;
  readonly #bounds: StreamBounds;
  #stream: MemoryStream;
  /** The requests that made the stream what it is, so that an earlier one can be made again. */
  #appends: { readonly request: PublishRequest; readonly at: number }[] = [];
  /** Everything that went in, in order. */
  readonly delivered: Envelope[] = [];

  constructor(time: VirtualTime, bounds: StreamBounds) {
    this.time = time;
    this.#bounds = bounds;
    this.#stream = new MemoryStream(bounds);
  }

  append(request: PublishRequest): PublishOutcome {
    const { now } = this.time;
    const { outcome, appended } = this.#stream.append(request, now);
    if (appended !== undefined) {
      this.#appends.push({ request, at: now });
      this.delivered.push(appended);
    }
    return outcome;
  }

  state(): StoredState | undefined {
    return this.#stream.state(this.time.now);
  }

  /** Goes back by so many messages; by all of them: as after a start with no data. */
  lose(messages: number): void {
    this.#appends = this.#appends.slice(0, Math.max(0, this.#appends.length - messages));
    this.#stream = new MemoryStream(this.#bounds);
    for (const { request, at } of this.#appends) this.#stream.append(request, at);
  }
}

interface Call {
  readonly lose: () => void;
}

/**
 * The ingest's side of a {@link FaultyStore} over a connection that has latency and breaks. What was on its way when it
 * broke is carried out late, or never.
 */
export class FaultyPublisher implements StreamPublisher {
  readonly #store: FaultyStore;
  readonly #random: Random;
  readonly #latencyMs: number;
  readonly #calls = new Set<Call>();
  #listener: (available: boolean) => void = () => undefined;
  #available = false;
  #stopped = false;
  #requestsFrom = 0;
  #answersFrom = 0;
  /** Share of publishes whose answer is lost while the connection stays. */
  loss = 0;

  /** @param latencyMs longest way of a request or an answer */
  constructor(store: FaultyStore, random: Random, latencyMs: number) {
    this.#store = store;
    this.#random = random;
    this.#latencyMs = latencyMs;
  }

  onAvailable(listener: (available: boolean) => void): void {
    this.#listener = listener;
  }

  start(): Promise<void> {
    this.setAvailable(true);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.setAvailable(false);
    this.#stopped = true;
    return Promise.resolve();
  }

  setAvailable(available: boolean): void {
    if (available === this.#available || this.#stopped) return;
    this.#available = available;
    const lost = [...this.#calls];
    // The order in which the two are noticed is not promised.
    const listenerFirst = this.#random.chance(0.5);
    if (listenerFirst) this.#listener(available);
    if (!available) for (const call of lost) call.lose();
    if (!listenerFirst) this.#listener(available);
  }

  readState(): Promise<StoredState | undefined> {
    return this.#call(() => this.#store.state(), 'answered');
  }

  publish(request: PublishRequest): Promise<PublishOutcome> {
    const lost = this.#random.chance(this.loss);
    return this.#call(() => this.#store.append(request), lost ? 'lost' : 'answered');
  }

  #call<T>(carryOut: () => T, fate: 'answered' | 'lost'): Promise<T> {
    if (!this.#available) return Promise.reject(new BackplaneUnavailableError('away'));
    const { time } = this.#store;
    const latency = () => this.#random.fraction() * this.#latencyMs;
    return new Promise((resolve, reject) => {
      let open = true;
      const call = {
        lose: () => {
          open = false;
          this.#calls.delete(call);
          reject(new BackplaneUnavailableError('lost'));
        },
      };
      this.#calls.add(call);
      this.#requestsFrom = Math.max(this.#requestsFrom, time.now + latency());
      const neverArrives = this.#random.chance(0.5);
      time.at(this.#requestsFrom, () => {
        if (neverArrives && (!open || fate === 'lost')) {
          if (open) call.lose();
          return;
        }
        const outcome = carryOut();
        this.#answersFrom = Math.max(this.#answersFrom, time.now + latency());
        time.at(this.#answersFrom, () => {
          if (!open) return;
          if (fate === 'lost') call.lose();
          else {
            this.#calls.delete(call);
            resolve(outcome);
          }
        });
      });
    });
  }
}
