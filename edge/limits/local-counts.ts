import type { Claim } from './claim.ts';
import { ConnectRates } from './connect-rates.ts';
import type { Lease, LimitRefusal, LimitSettings } from './connection-limits.ts';

/** How many a name has; as many names as connections at most. */
class Counts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  remove(name: string): void {
    const count = this.of(name) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }
}

/** The clients of this process, counted by address and application, and the rate at which they come. */
export class LocalCounts {
  readonly #settings: LimitSettings;
  readonly #rates: ConnectRates;
  readonly #addresses = new Counts();
  readonly #applications = new Counts();
  readonly #held = new Set<Lease>();

  constructor(settings: LimitSettings) {
    this.#settings = settings;
    this.#rates = new ConnectRates(settings.connectRatePerIp, settings.connectBurstPerIp);
  }

  /** Leases that are held, addresses and applications that they name, and addresses whose rate is remembered. */
  get sizes(): { leases: number; addresses: number; applications: number; rates: number } {
    return {
      leases: this.#held.size,
      addresses: this.#addresses.size,
      applications: this.#applications.size,
      rates: this.#rates.size,
    };
  }

  /** The leases that are held now. */
  held(): readonly Lease[] {
    return [...this.#held];
  }

  /**
   * Checks rate, address and application, as `admit.lua` does, and counts the client if none refuses.
   *
   * @param now monotonic milliseconds
   */
  admit(claim: Claim, now: number): LimitRefusal | undefined {
    const retryAfterMs = this.#rates.take(claim.address, now);
    if (retryAfterMs !== undefined) return { admitted: false, by: 'rate', retryAfterMs };
    const { address, application } = claim.lease;
    if (address !== undefined && this.#addresses.of(address) >= this.#settings.perIpConnectionLimit)
      return { admitted: false, by: 'ip' };
    if (application !== undefined && this.#applications.of(application) >= claim.applicationLimit)
      return { admitted: false, by: 'application' };
    this.hold(claim.lease);
    return undefined;
  }

  /** Counts a connection for the rate alone. */
  charge({ address }: Claim, now: number): void {
    this.#rates.take(address, now);
  }

  /** Counts a client without a check. */
  hold(lease: Lease): void {
    this.#held.add(lease);
    if (lease.address !== undefined) this.#addresses.add(lease.address);
    if (lease.application !== undefined) this.#applications.add(lease.application);
  }

  /** @returns whether it was held: a second release changes nothing */
  release(lease: Lease): boolean {
    if (!this.#held.delete(lease)) return false;
    if (lease.address !== undefined) this.#addresses.remove(lease.address);
    if (lease.application !== undefined) this.#applications.remove(lease.application);
    return true;
  }

  /** Forgets rates that have no more meaning. */
  sweep(now: number): void {
    this.#rates.sweep(now);
  }
}
