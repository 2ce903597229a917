/**
 * What this process knows of its leases in the store, and what is to be sent there. Pure: it sends nothing, and has no clock.
 *
 * A lease has at most one command on its way, so that no two can overtake each other. A command whose answer never comes leaves
 * the lease in doubt: it may be carried out yet, by a server that reads what a dead connection left behind. What is in doubt
 * is extended as long as the client is there; then it is released, and again in each round, as long as a lease lasts.
 */
import type { Lease } from '../../shared/limits/lease-store.ts';

interface Entry {
  readonly lease: Lease;
  /** Whether the client is to have it. */
  wanted: 'undecided' | 'yes' | 'no';
  /** A command on its way says something about it. */
  inFlight: boolean;
  /** The store has acknowledged what is wanted. */
  settled: boolean;
  /** When it must have expired in the store, milliseconds; 0: it was never there. */
  expiresAt: number;
  /** Until when a command without an answer may yet be carried out; what is released before is released again. */
  doubtfulUntil: number;
}

export class LeaseBook {
  readonly #ttlMs: number;
  readonly #entries = new Map<Lease, Entry>();
  /** Wanted, with nothing on its way, and not settled. */
  readonly #toRenew = new Set<Entry>();
  /** The same of what is not wanted. */
  readonly #toRelease = new Set<Entry>();

  /** @param ttlMs after which the store forgets a lease that is not extended */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** Leases that are wanted, on their way, or not yet certain to be gone. */
  get size(): number {
    return this.#entries.size;
  }

  /** Leases that wait to be sent. */
  get due(): number {
    return this.#toRenew.size + this.#toRelease.size;
  }

  /** A request for a lease goes out. */
  asked(lease: Lease): void {
    this.#entries.set(lease, { ...newEntry(lease, 'undecided'), inFlight: true });
  }

  /** The request was answered in its favour. It is wanted unless that was decided otherwise meanwhile. */
  granted(lease: Lease, now: number): void {
    const entry = this.#entries.get(lease);
    if (entry === undefined) return;
    if (entry.wanted === 'undecided') entry.wanted = 'yes';
    this.#stored(entry, now);
  }

  /** The request was refused. The lease is forgotten, unless it was decided meanwhile that the client stays. */
  refused(lease: Lease): void {
    const entry = this.#entries.get(lease);
    if (entry === undefined) return;
    entry.inFlight = false;
    if (entry.wanted === 'undecided') this.#entries.delete(lease);
    else this.#place(entry);
  }

  /** The client stays, whatever the store said or did not say. */
  keep(lease: Lease): void {
    const entry = this.#entries.get(lease) ?? newEntry(lease, 'yes');
    this.#entries.set(lease, entry);
    entry.wanted = 'yes';
    this.#place(entry);
  }

  /** The client is not there, or no longer. */
  drop(lease: Lease): void {
    const entry = this.#entries.get(lease);
    if (entry === undefined || entry.wanted === 'no') return;
    entry.wanted = 'no';
    entry.settled = false;
    this.#place(entry);
  }

  /** Up to so many leases to extend now; they are on their way until {@link renewed} or {@link lost}. */
  takeRenewals(max: number): Lease[] {
    return take(this.#toRenew, max);
  }

  /** Up to so many leases to release now; they are on their way until {@link released} or {@link lost}. */
  takeReleases(max: number): Lease[] {
    return take(this.#toRelease, max);
  }

  renewed(leases: readonly Lease[], now: number): void {
    for (const entry of this.#find(leases)) this.#stored(entry, now);
  }

  released(leases: readonly Lease[], now: number): void {
    for (const entry of this.#find(leases)) {
      entry.inFlight = false;
      entry.settled = true;
      if (now >= entry.doubtfulUntil) this.#entries.delete(entry.lease);
    }
  }

  /** The answer about leases will not come any more. */
  lost(leases: readonly Lease[], now: number): void {
    for (const entry of this.#find(leases)) {
      entry.inFlight = false;
      entry.settled = false;
      entry.doubtfulUntil = now + this.#ttlMs;
      entry.expiresAt = entry.doubtfulUntil + this.#ttlMs;
      this.#place(entry);
    }
  }

  /** Has everything sent once more, as the store may have forgotten it, and forgets what must have expired there. */
  newRound(now: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.wanted === 'no' && !entry.inFlight && now >= entry.expiresAt) {
        this.#remove(entry);
        continue;
      }
      entry.settled = false;
      this.#place(entry);
    }
  }

  #stored(entry: Entry, now: number): void {
    entry.inFlight = false;
    entry.settled = entry.wanted === 'yes';
    entry.expiresAt = Math.max(now, entry.doubtfulUntil) + this.#ttlMs;
    this.#place(entry);
  }

  /** Puts an entry where it is sent from, if something is to be sent. */
  #place(entry: Entry): void {
    this.#toRenew.delete(entry);
    this.#toRelease.delete(entry);
    if (entry.inFlight || entry.settled || entry.wanted === 'undecided') return;
    if (entry.wanted === 'yes') this.#toRenew.add(entry);
    else if (entry.expiresAt > 0) this.#toRelease.add(entry);
    else this.#entries.delete(entry.lease);
  }

  #remove(entry: Entry): void {
    this.#toRelease.delete(entry);
    this.#entries.delete(entry.lease);
  }

  #find(leases: readonly Lease[]): Entry[] {
    return leases.map((lease) => this.#entries.get(lease)).filter((entry) => entry !== undefined);
  }
}

function newEntry(lease: Lease, wanted: Entry['wanted']): Entry {
  return { lease, wanted, inFlight: false, settled: false, expiresAt: 0, doubtfulUntil: 0 };
}

function take(entries: Set<Entry>, max: number): Lease[] {
  const leases: Lease[] = [];
  for (const entry of entries) {
    if (leases.length >= max) break;
    entries.delete(entry);
    entry.inFlight = true;
    leases.push(entry.lease);
  }
  return leases;
}
