import { randomBytes } from 'node:crypto';
import type { Logger } from '../../shared/log.ts';
import type { LimitMetrics } from '../../shared/metrics/limit-metrics.ts';
import type { LeaseAnswer, LeaseStore } from '../../shared/limits/lease-store.ts';
import { claimOf, counts, type Claim } from './claim.ts';
import type { LimitClock } from './clock.ts';
import type {
  ConnectionLimits,
  Lease,
  LimitRefusal,
  LimitRequest,
  LimitSettings,
  LimitVerdict,
} from './connection-limits.ts';
import { LeaseKeeper, type LeaseKeeperSettings } from './lease-keeper.ts';
import { LocalCounts } from './local-counts.ts';
import { SWEEP_EVERY_MS } from './local-limits.ts';

export interface SharedLimitSettings extends LimitSettings, LeaseKeeperSettings {
  /** Names this process in the store. */
  readonly edgeId: string;
  /** What holds while the store does not answer: the same limits by this process' clients, none, or nobody is let in. */
  readonly limitFailMode: 'local' | 'open' | 'closed';
}

export interface SharedLimitDependencies {
  readonly store: LeaseStore;
  readonly clock: LimitClock;
  readonly metrics: LimitMetrics;
  readonly log: Logger;
}

/** Requests that wait for the store at most. More than this wait for a store that is overrun, and are decided without it. */
export const MAX_REQUESTS = 10_000;

const FAIL_MODES = {
  local: 'limits are not shared: this process counts its own clients',
  open: 'limits are not shared: everybody is let in',
  closed: 'limits are not shared: nobody is let in',
} as const satisfies Record<SharedLimitSettings['limitFailMode'], string>;

/**
 * The limits that all processes of a fleet share through a store. This process counts its own clients beside that, so that
 * the limits go on when the store does not answer.
 */
export class SharedLimits implements ConnectionLimits {
  readonly #settings: SharedLimitSettings;
  readonly #clock: LimitClock;
  readonly #metrics: LimitMetrics;
  readonly #log: Logger;
  readonly #keeper: LeaseKeeper;
  readonly #counts: LocalCounts;
  /** Begins the names of this run's leases: two runs, or two processes, of one EDGE_ID share none. */
  readonly #run: string;
  #members = 0;
  #degradedAt: number | undefined;
  #cancelSweep: () => void = () => undefined;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(settings: SharedLimitSettings, { store, clock, metrics, log }: SharedLimitDependencies) {
    this.#settings = settings;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#log = log;
    this.#counts = new LocalCounts(settings);
    this.#run = `${settings.edgeId}:${randomBytes(8).toString('hex')}`;
    this.#keeper = new LeaseKeeper(settings, { store, clock, onShared: () => this.#report() });
  }

  /** What is held for clients, and what the bookkeeping towards the store holds. */
  get sizes(): LocalCounts['sizes'] & { readonly book: number; readonly requests: number } {
    return { ...this.#counts.sizes, book: this.#keeper.size, requests: this.#keeper.requests };
  }

  async start(): Promise<void> {
    this.#sweepLater();
    await this.#keeper.start();
    this.#report();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async admit(request: LimitRequest): Promise<LimitVerdict> {
    const claim = claimOf(request, this.#settings, this.#nextMember());
    if (!counts(claim.lease) && this.#settings.connectRatePerIp === 0) return this.#admitUnchecked(claim);
    const mayAsk = this.#keeper.shared && this.#keeper.requests < MAX_REQUESTS;
    const answer = mayAsk ? await this.#ask(claim) : undefined;
    if (this.#stopping) return this.#refuse(claim, { admitted: false, by: 'unavailable' });
    return answer === undefined ? this.#decideAlone(claim) : this.#follow(claim, answer);
  }

  release(lease: Lease): void {
    if (this.#counts.release(lease)) this.#keeper.drop(lease);
  }

  /** @returns the store's answer, or `undefined` where none came in time */
  #ask({ address, lease, applicationLimit }: Claim): Promise<LeaseAnswer | undefined> {
    const { perIpConnectionLimit, connectRatePerIp, connectBurstPerIp, limitTimeoutMs } = this.#settings;
    const rate = { address, perSecond: connectRatePerIp, burst: connectBurstPerIp };
    const askedAt = this.#clock.now();
    return new Promise((resolve) => {
      let waiting = true;
      const settle = (answer?: LeaseAnswer): void => {
        if (!waiting) return;
        waiting = false;
        cancel();
        this.#metrics.limitDuration.observe((this.#clock.now() - askedAt) / 1000);
        resolve(answer);
      };
      const cancel = this.#clock.after(limitTimeoutMs, () => {
        this.#keeper.suspect();
        settle();
      });
      const request = {
        lease,
        rate: connectRatePerIp === 0 ? undefined : rate,
        addressLimit: perIpConnectionLimit,
        applicationLimit,
      };
      this.#keeper.ask(request).then(settle, () => settle());
    });
  }

  #follow(claim: Claim, answer: LeaseAnswer): LimitVerdict {
    if (answer.result === 'rate') return this.#refuse(claim, { ...answer, admitted: false, by: 'rate' });
    this.#counts.charge(claim, this.#clock.now());
    return answer.result === 'admitted'
      ? this.#admitUnchecked(claim)
      : this.#refuse(claim, { admitted: false, by: answer.result });
  }

  #decideAlone(claim: Claim): LimitVerdict {
    switch (this.#settings.limitFailMode) {
      case 'local': {
        const refusal = this.#counts.admit(claim, this.#clock.now());
        if (refusal !== undefined) return this.#refuse(claim, refusal);
        this.#keeper.keep(claim.lease);
        return { admitted: true, lease: claim.lease };
      }
      case 'open':
        return this.#admitUnchecked(claim);
      case 'closed':
        return this.#refuse(claim, { admitted: false, by: 'unavailable' });
    }
  }

  #admitUnchecked({ lease }: Claim): LimitVerdict {
    this.#counts.hold(lease);
    this.#keeper.keep(lease);
    return { admitted: true, lease };
  }

  #refuse({ lease }: Claim, refusal: LimitRefusal): LimitRefusal {
    this.#keeper.drop(lease);
    return refusal;
  }

  #nextMember(): string {
    this.#members += 1;
    return `${this.#run}:${this.#members.toString(36)}`;
  }

  /** Tells once that the limits are not shared, and once that they are again. */
  #report(): void {
    if (this.#stopping) return;
    const { shared } = this.#keeper;
    this.#metrics.limitDegraded.set(shared ? 0 : 1);
    if (!shared && this.#degradedAt === undefined) {
      this.#degradedAt = this.#clock.now();
      this.#log.warn(FAIL_MODES[this.#settings.limitFailMode]);
    } else if (shared && this.#degradedAt !== undefined) {
      const seconds = Math.round((this.#clock.now() - this.#degradedAt) / 1000);
      this.#degradedAt = undefined;
      this.#log.info({ seconds }, 'limits are shared again');
    }
  }

  #sweepLater(): void {
    this.#cancelSweep = this.#clock.after(SWEEP_EVERY_MS, () => {
      this.#counts.sweep(this.#clock.now());
      this.#sweepLater();
    });
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelSweep();
    for (const lease of this.#counts.held()) this.release(lease);
    await this.#keeper.stop();
  }
}
