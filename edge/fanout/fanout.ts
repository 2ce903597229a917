/**
 * Delivers the ring to the clients: a client is a cursor, a delivery is one `write` of a frame that all clients of an
 * encoding share.
 *
 * A new entry starts a round over all clients. A round is cut in slices of {@link SLICE_WRITES} writes with a turn of
 * the event loop in between, in which pings are answered, and starts at another client each time. Entries that arrive
 * while it runs are delivered by its later visits, and to the clients visited before by the next round. A blocked client
 * is passed over; when its socket is free it goes on from its cursor, which ends nowhere but in the ring.
 * Live delivery comes first: clients that catch up are served when no round runs, and a slice between two rounds.
 * Each client gets every entry from its cursor on that its filter wants, once and in order; there is no queue beside the ring.
 */
import { performance } from 'node:perf_hooks';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Filter } from '../filter/filter.ts';
import type { Ring, RingEntry } from '../stream/contract.ts';
import type { Client } from './client.ts';
import { CatchUps, SLICE_MS, canGoOn } from './catch-ups.ts';
import { ClientWriter } from './client-writer.ts';
import { Delivery } from './delivery.ts';
import { DeliveryMetrics, type FanoutMetrics } from './delivery-metrics.ts';
import { Filtering } from './filtering.ts';
import { LagWatch } from './lag-watch.ts';
import { BurstDetector, type LagLimits } from './limits.ts';

export interface FanoutDependencies {
  readonly ring: Ring;
  readonly metrics: FanoutMetrics;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  /** Monotonic milliseconds, the clock of {@link RingEntry.arrivedAt}. */
  readonly now?: () => number;
  /** Unix milliseconds with fractions. */
  readonly wallNow?: () => number;
}

/** About 2 ms of writes: what a pong may have to wait for. */
export const SLICE_WRITES = 250;

/** Part of the list that the start moves on per round: the golden ratio spreads the starts evenly, whatever the length. */
const START_STEP = 0.618_033_988_749_895;

export class Fanout<C extends Client = Client> {
  readonly writer: ClientWriter;
  readonly lag: LagWatch;
  readonly #ring: Ring;
  readonly #metrics: DeliveryMetrics;
  readonly #now: () => number;
  readonly #wallNow: () => number;
  readonly #clients: C[] = [];
  readonly #bursts: BurstDetector;
  readonly #settledListeners: (() => void)[] = [];
  readonly #catchUps: CatchUps;
  readonly #filtering: Filtering;
  readonly #delivery: Delivery;

  /** The next slice or round. */
  #next: NodeJS.Immediate | undefined;
  /** Where in the list the last round began, as a part of it. */
  #startAt = 0;
  #running = false;
  /** The running round: where it begins, over how many clients, how many were visited. */
  #first = 0;
  #length = 0;
  #visited = 0;
  /** Another round is needed: an entry came, or the list changed, while this one ran. */
  #again = false;
  /** The ring's head when the round began. */
  #roundHead = 0;
  /** Entries below it have been written to every client that could take them. */
  #settled: number;
  #lastWriteAt = 0;

  constructor(limits: LagLimits, dependencies: FanoutDependencies) {
    const { ring, stall } = dependencies;
    const now = dependencies.now ?? (() => performance.now());
    this.#ring = ring;
    this.#now = now;
    this.#wallNow = dependencies.wallNow ?? (() => performance.timeOrigin + performance.now());
    this.#metrics = new DeliveryMetrics(dependencies.metrics);
    this.#bursts = new BurstDetector(limits);
    this.#settled = ring.head;
    this.#catchUps = new CatchUps(now);
    const filtering = new Filtering(dependencies.metrics, now);
    const writer = new ClientWriter((client) => this.#resume(client), now);
    this.#filtering = filtering;
    this.#delivery = new Delivery({ ring, writer, filtering, metrics: this.#metrics, now });
    this.writer = writer;
    this.lag = new LagWatch(limits, { ring, stall, now, writer, filtering });
  }

  start(): void {
    this.lag.start();
  }

  /** Ends all timers; clients are not touched. Idempotent. */
  stop(): void {
    this.lag.stop();
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#running = false;
    this.#catchUps.clear();
  }

  /** Clients in the list. The order changes as clients leave. */
  get clients(): readonly C[] {
    return this.#clients;
  }

  /** Called when nothing is left to write to any client that could take it. */
  onSettled(listener: () => void): void {
    this.#settledListeners.push(listener);
  }

  /** Nothing is left to write to any client that could take it. */
  get isSettled(): boolean {
    return !this.#running && this.#settled === this.#ring.head && this.#catchUps.size === 0;
  }

  /** What is known of filters. */
  get filtering(): Pick<Filtering, 'clients' | 'filters' | 'hasReceipts'> {
    return this.#filtering;
  }

  /**
   * Adds a client; where its cursor is behind the head it catches up from there, unless it is held.
   *
   * @param filter what it wants; everything where there is none
   */
  add(client: C, filter?: Filter): void {
    client.filter = filter && this.#filtering.join(filter);
    client.index = this.#clients.push(client) - 1;
    client.catchingUp = client.held || client.cursor < this.#ring.head;
    if (!client.held && client.catchingUp) this.#queueCatchUp(client);
  }

  /** Ends the hold on a client, which goes on from `cursor`. */
  release(client: C, cursor: number): void {
    client.held = false;
    client.cursor = cursor;
    client.catchingUp = cursor < this.#ring.head;
    if (client.index >= 0 && client.catchingUp) this.#queueCatchUp(client);
  }

  /** Removes a client whose connection has ended. Idempotent. */
  remove(client: C): void {
    this.writer.forget(client);
    this.#catchUps.delete(client);
    if (client.index < 0) return;
    if (client.filter !== undefined) this.#filtering.leave(client.filter);
    const last = this.#clients.pop();
    if (last !== undefined && last !== client) {
      this.#clients[client.index] = last;
      last.index = client.index;
      // The moved one may have left the part of the list that the running round has yet to visit.
      if (this.#running) this.#again = true;
    }
    client.index = -1;
  }

  /** Delivers a new entry of the ring. The first slice is written before this returns. */
  entry(entry: RingEntry): void {
    if (this.#bursts.add(entry.envelope, entry.arrivedAt)) {
      this.#delivery.burst();
      for (const client of this.writer.blocked) client.catchingUp = true;
    }
    if (this.#running) this.#again = true;
    else this.#beginRound();
  }

  /**
   * Takes an entry that came before the clients that are here did, as when the ring is first filled: to a client that had
   * everything it is history, and a base node that got it would see its positions go back.
   */
  passOver(entry: RingEntry): void {
    for (const client of this.#clients) {
      if (client.cursor === entry.ordinal) client.cursor += 1;
    }
    if (!this.#running) this.#settled = this.#ring.head;
  }

  #beginRound(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    this.#running = true;
    this.#again = false;
    this.#length = this.#clients.length;
    this.#startAt = (this.#startAt + START_STEP) % 1;
    this.#first = Math.floor(this.#startAt * this.#length);
    this.#visited = 0;
    this.#roundHead = this.#ring.head;
    this.#slice();
  }

  #slice(): void {
    this.#next = undefined;
    const startedAt = this.#now();
    let writes = 0;
    while (this.#visited < this.#length && writes < SLICE_WRITES) {
      const client = this.#clients[(this.#first + this.#visited) % this.#length];
      this.#visited += 1;
      if (client !== undefined && !client.queued) writes += this.#serveLive(client);
    }
    if (writes > 0) {
      this.#lastWriteAt = this.#now();
      this.#metrics.slice(this.#lastWriteAt - startedAt);
    }
    if (this.#visited < this.#length) this.#next = setImmediate(() => this.#slice());
    else this.#endRound();
  }

  #endRound(): void {
    this.#metrics.flush();
    const wallOffset = this.#wallNow() - this.#now();
    this.#metrics.settled(this.#ring, this.#settled, this.#roundHead, this.#lastWriteAt, wallOffset);
    this.#settled = this.#roundHead;
    if (this.#again) {
      this.#next = setImmediate(() => this.#betweenRounds());
      return;
    }
    this.#running = false;
    if (this.#catchUps.size > 0) this.#catchUpSoon();
    else this.#tellSettled();
  }

  /** Catch-ups get a slice also where one round follows the other. */
  #betweenRounds(): void {
    if (this.#catchUps.size > 0) {
      this.#catchUpSlice();
      this.#next = setImmediate(() => this.#beginRound());
    } else this.#beginRound();
  }

  #queueCatchUp(client: Client): void {
    this.#catchUps.add(client);
    if (!this.#running) this.#catchUpSoon();
  }

  #catchUpSoon(): void {
    this.#next ??= setImmediate(() => {
      this.#next = undefined;
      this.#catchUpSlice();
      if (this.#catchUps.size > 0) this.#catchUpSoon();
      else this.#tellSettled();
    });
  }

  #catchUpSlice(): void {
    const { writes, durationMs } = this.#catchUps.slice(
      SLICE_WRITES,
      (client, budget, deadline) => this.#delivery.serve(client, budget, deadline),
      this.#ring.head,
    );
    if (writes > 0) this.#metrics.slice(durationMs);
    else this.#metrics.flush();
  }

  #tellSettled(): void {
    for (const listener of this.#settledListeners) listener();
  }

  /** @returns how many frames were written */
  #serveLive(client: Client): number {
    // What a filter does not want is passed over without a write, so that writes alone would not end a slice.
    const passesOver = client.filter !== undefined && client.cursor < this.#ring.head - 1;
    const deadline = passesOver ? this.#now() + SLICE_MS : Infinity;
    const writes = this.#delivery.serve(client, SLICE_WRITES, deadline);
    if (canGoOn(client, this.#ring.head)) this.#queueCatchUp(client);
    return writes;
  }

  /** Goes on with a client whose socket is free again. */
  #resume(client: Client): void {
    if (client.index < 0 || client.held) return;
    if (client.catchingUp) this.#queueCatchUp(client);
    else if (this.#serveLive(client) > 0) this.#lastWriteAt = this.#now();
    this.#metrics.flush();
  }
}
