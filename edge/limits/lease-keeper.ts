/**
 * Keeps the store in agreement with the leases of this process (redis: "Limits"): releases those that ended, extends the others
 * every third of their time, and makes up for whatever went wrong in between. Releases go before renewals. Nothing is sent
 * again as it was: each batch is made of what holds at that moment.
 *
 * Leases are shared while the store answers in time. When it does not, or its connection is lost, they are not until, in this
 * order, all that ended is released, all that is held is renewed, and an answer has come in time.
 */
import type { Lease, LeaseAnswer, LeaseRequest, LeaseStore } from '../../shared/limits/lease-store.ts';
import { counts } from './claim.ts';
import type { LimitClock } from './clock.ts';
import { LeaseBook } from './lease-book.ts';

export interface LeaseKeeperSettings {
  /** After which the store forgets a lease that is not extended, milliseconds. */
  readonly leaseTtlMs: number;
  /** In which the store must answer, milliseconds. */
  readonly limitTimeoutMs: number;
}

export interface LeaseKeeperDependencies {
  readonly store: LeaseStore;
  readonly clock: LimitClock;
  /** Told every change, and never the same twice in a row; the leases are not shared at first. */
  readonly onShared: (shared: boolean) => void;
}

/** Two renewals may fail before a lease expires. */
const RENEWALS_PER_TTL = 3;

/** Leases of a batch: some 10 KB, which keep Redis busy for about a millisecond; everybody else is served in between. */
export const BATCH_SIZE = 100;

/** Pause after an answer that was late: a store at its limits is not asked by every client, nor every moment. */
export const RETRY_AFTER_MS = 1000;

/** How long the last releases may take when the process ends; what they do not reach expires. */
export const STOP_TIMEOUT_MS = 1000;

/** A command whose answer is awaited, with the leases that it tells the store about. */
interface Flight {
  readonly leases: readonly Lease[];
  readonly isRequest: boolean;
}

export class LeaseKeeper {
  readonly #store: LeaseStore;
  readonly #clock: LimitClock;
  readonly #onShared: (shared: boolean) => void;
  readonly #ttlMs: number;
  readonly #timeoutMs: number;
  readonly #book: LeaseBook;
  readonly #flights = new Set<Flight>();
  #requests = 0;
  #shared = false;
  /** The run of the catching up that goes on; its end is awaited by the start. */
  #syncing: Promise<void> | undefined;
  /** Rises with each connection. */
  #generation = 0;
  #renewing = false;
  #cancelRetry: () => void = () => undefined;
  #cancelRound: () => void = () => undefined;
  #stopping = false;
  #drained: (() => void) | undefined;

  constructor(settings: LeaseKeeperSettings, { store, clock, onShared }: LeaseKeeperDependencies) {
    this.#store = store;
    this.#clock = clock;
    this.#onShared = onShared;
    this.#ttlMs = settings.leaseTtlMs;
    this.#timeoutMs = settings.limitTimeoutMs;
    this.#book = new LeaseBook(settings.leaseTtlMs);
    store.onAvailable((available) => (available ? this.#connected() : this.#setShared(false)));
  }

  /** Whether the store decides. */
  get shared(): boolean {
    return this.#shared;
  }

  /** Requests that have no answer yet. */
  get requests(): number {
    return this.#requests;
  }

  /** Leases that the store has, may have, or is to have. */
  get size(): number {
    return this.#book.size;
  }

  /** Resolves when the leases are shared, or the first attempt has failed; further ones go on. Rejects when the server is unfit. */
  async start(): Promise<void> {
    this.#roundLater();
    await this.#store.start();
    await this.#syncing;
  }

  /** Sends the releases that are due, if that is possible soon, and ends the connection. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRetry();
    this.#cancelRound();
    this.#setShared(false);
    if (this.#store.available && !this.#isDrained()) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(STOP_TIMEOUT_MS, resolve);
        this.#drained = () => {
          cancel();
          resolve();
        };
        this.#sendReleases();
      });
    }
    this.#store.stop();
  }

  /**
   * Asks the store for a lease. Whatever comes of it, {@link keep} or {@link drop} is to follow.
   *
   * @throws when the answer is lost
   */
  ask(request: LeaseRequest): Promise<LeaseAnswer> {
    const { lease } = request;
    const leases = counts(lease) ? [lease] : [];
    if (leases.length > 0) this.#book.asked(lease);
    return this.#send(
      { leases, isRequest: true },
      () => this.#store.admit(request),
      ({ result }) => {
        if (result === 'admitted') this.#book.granted(lease, this.#clock.now());
        else this.#book.refused(lease);
        if (this.#stopping) this.#book.drop(lease);
      },
    );
  }

  /** The client is in; the store learns of it if it does not know. */
  keep(lease: Lease): void {
    if (!counts(lease)) return;
    this.#book.keep(lease);
    this.#sendDue();
  }

  /** The client is not in, or no longer. */
  drop(lease: Lease): void {
    this.#book.drop(lease);
    this.#sendDue();
  }

  /** An answer did not come in time. */
  suspect(): void {
    if (!this.#shared) return;
    this.#setShared(false);
    this.#retryLater();
  }

  #connected(): void {
    this.#generation += 1;
    this.#syncing = undefined;
    const now = this.#clock.now();
    for (const flight of this.#flights) this.#lose(flight, now);
    this.#book.newRound(now);
    this.#sync();
  }

  #sync(): void {
    this.#cancelRetry();
    if (this.#stopping || !this.#store.available || this.#syncing !== undefined) return;
    const generation = this.#generation;
    this.#syncing = this.#catchUp().then((inTime) => {
      if (this.#stopping || generation !== this.#generation) return;
      this.#syncing = undefined;
      if (inTime && this.#store.available) {
        this.#setShared(true);
        this.#sendDue();
      } else {
        this.#retryLater();
      }
    });
  }

  /** @returns whether everything was acknowledged, and an answer came in time */
  async #catchUp(): Promise<boolean> {
    try {
      this.#sendReleases();
      // Clients that come meanwhile are not chased after: their renewals go out before the next request does.
      for (let left = Math.ceil(this.#book.due / BATCH_SIZE); left > 0; left -= 1) await this.#sendRenewal();
      const askedAt = this.#clock.now();
      await this.#store.probe();
      return this.#clock.now() - askedAt <= this.#timeoutMs;
    } catch {
      return false;
    }
  }

  #retryLater(): void {
    this.#cancelRetry();
    if (!this.#stopping) this.#cancelRetry = this.#clock.after(RETRY_AFTER_MS, () => this.#sync());
  }

  #roundLater(): void {
    this.#cancelRound = this.#clock.after(this.#ttlMs / RENEWALS_PER_TTL, () => {
      this.#book.newRound(this.#clock.now());
      this.#sendDue();
      this.#roundLater();
    });
  }

  /** While the leases are not shared, what is due is sent by the catching up. */
  #sendDue(): void {
    if (!this.#shared) return;
    this.#sendReleases();
    if (!this.#renewing) void this.#sendRenewals();
  }

  #sendReleases(): void {
    if (!this.#store.available) return;
    for (;;) {
      const leases = this.#book.takeReleases(BATCH_SIZE);
      if (leases.length === 0) return;
      this.#send(
        { leases, isRequest: false },
        () => this.#store.release(leases),
        () => this.#book.released(leases, this.#clock.now()),
      ).catch(() => undefined);
    }
  }

  /** One batch after the other, so that few leases are on their way at any time. */
  async #sendRenewals(): Promise<void> {
    this.#renewing = true;
    try {
      while (this.#shared && (await this.#sendRenewal()));
    } catch {
      // The leases are in doubt now, and due again.
    } finally {
      this.#renewing = false;
    }
  }

  /** @returns whether there was anything to renew */
  async #sendRenewal(): Promise<boolean> {
    const leases = this.#book.takeRenewals(BATCH_SIZE);
    if (leases.length === 0) return false;
    await this.#send(
      { leases, isRequest: false },
      () => this.#store.renew(leases),
      () => this.#book.renewed(leases, this.#clock.now()),
    );
    return true;
  }

  async #send<T>(flight: Flight, send: () => Promise<T>, onAnswer: (answer: T) => void): Promise<T> {
    this.#flights.add(flight);
    if (flight.isRequest) this.#requests += 1;
    try {
      const answer = await send();
      if (this.#land(flight)) onAnswer(answer);
      this.#sendDue();
      return answer;
    } catch (error) {
      this.#lose(flight, this.#clock.now());
      this.suspect();
      throw error;
    } finally {
      if (this.#stopping) this.#checkDrained();
    }
  }

  /** @returns whether it was still on its way */
  #land(flight: Flight): boolean {
    const known = this.#flights.delete(flight);
    if (known && flight.isRequest) this.#requests -= 1;
    return known;
  }

  #lose(flight: Flight, now: number): void {
    if (this.#land(flight)) this.#book.lost(flight.leases, now);
  }

  #setShared(shared: boolean): void {
    if (shared === this.#shared) return;
    this.#shared = shared;
    this.#onShared(shared);
  }

  /** What was released while a command about it was on its way is released behind that. */
  #checkDrained(): void {
    this.#sendReleases();
    if (this.#isDrained()) this.#drained?.();
  }

  #isDrained(): boolean {
    return this.#flights.size === 0 && this.#book.due === 0;
  }
}
