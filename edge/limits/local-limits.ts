import { claimOf } from './claim.ts';
import type { LimitClock } from './clock.ts';
import type { ConnectionLimits, Lease, LimitRequest, LimitSettings, LimitVerdict } from './connection-limits.ts';
import { LocalCounts } from './local-counts.ts';

/** Rates are remembered for a burst's time, seconds as a rule; tidying up need not be sooner. */
export const SWEEP_EVERY_MS = 10_000;

/** The limits where no other process shares them: everything is counted here. */
export class LocalLimits implements ConnectionLimits {
  readonly #settings: LimitSettings;
  readonly #clock: LimitClock;
  readonly #counts: LocalCounts;
  #cancelSweep: (() => void) | undefined;

  constructor(settings: LimitSettings, clock: LimitClock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#counts = new LocalCounts(settings);
  }

  start(): Promise<void> {
    if (this.#cancelSweep === undefined) this.#sweepLater();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#cancelSweep?.();
    return Promise.resolve();
  }

  admit(request: LimitRequest): Promise<LimitVerdict> {
    // The lease's identity is enough: nobody else sees it.
    const claim = claimOf(request, this.#settings, '');
    const refusal = this.#counts.admit(claim, this.#clock.now());
    return Promise.resolve(refusal ?? { admitted: true, lease: claim.lease });
  }

  release(lease: Lease): void {
    this.#counts.release(lease);
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_EVERY_MS, () => {
      this.#counts.sweep(this.#clock.now());
      this.#sweepLater();
    });
  }
}
