import type { EdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import type { AdmissionStep, Candidate, Grant } from '../admission/admission.ts';
import type { Refusal } from '../admission/refusal.ts';
import type { ConnectionLimits, Lease, LimitRefusal } from './connection-limits.ts';

/** Seconds. When a place becomes free nobody knows; sooner retries only cost handshakes. */
const FULL_RETRY_AFTER = 5;
/** Seconds. Redis is back within this after a failover. */
const UNAVAILABLE_RETRY_AFTER = 5;

const REFUSALS = {
  rate: { status: 429, message: 'Connection rate exceeded', result: 'connect_rate' },
  ip: { status: 429, message: 'IP limit exceeded', result: 'ip_limit' },
  application: { status: 429, message: 'Application limit exceeded', result: 'application_limit' },
  unavailable: { status: 503, message: 'Limits unavailable', result: 'limits_unavailable' },
} as const satisfies Record<LimitRefusal['by'], Refusal>;

export type LimitsStepMetrics = Pick<EdgeMetrics, 'connectionsByApp' | 'perIpRateLimitedRequests'>;

/** Holds a client to the limits per address and application. Behind it stands nothing but what looks again after its wait for Redis. */
export class LimitsStep implements AdmissionStep {
  readonly #limits: Pick<ConnectionLimits, 'admit' | 'release'>;
  readonly #metrics: LimitsStepMetrics;
  readonly #leases = new WeakMap<Grant, Lease>();

  constructor(limits: Pick<ConnectionLimits, 'admit' | 'release'>, metrics: LimitsStepMetrics) {
    this.#limits = limits;
    this.#metrics = metrics;
  }

  async admit(_candidate: Candidate, grant: Grant): Promise<Refusal | undefined> {
    const verdict = await this.#limits.admit(grant);
    if (verdict.admitted) {
      this.#leases.set(grant, verdict.lease);
      if (grant.application !== undefined) this.#metrics.connectionsByApp.inc({ app: grant.application });
      return undefined;
    }
    if (verdict.by === 'rate' || verdict.by === 'ip') this.#metrics.perIpRateLimitedRequests.inc();
    return { ...REFUSALS[verdict.by], headers: { 'Retry-After': String(retryAfterSeconds(verdict)) } };
  }

  release(grant: Grant): void {
    const lease = this.#leases.get(grant);
    if (lease === undefined) return;
    this.#leases.delete(grant);
    this.#limits.release(lease);
    if (grant.application !== undefined) this.#metrics.connectionsByApp.dec({ app: grant.application });
  }
}

function retryAfterSeconds(refusal: LimitRefusal): number {
  switch (refusal.by) {
    case 'rate':
      return Math.max(1, Math.ceil(refusal.retryAfterMs / 1000));
    case 'ip':
    case 'application':
      return FULL_RETRY_AFTER;
    case 'unavailable':
      return UNAVAILABLE_RETRY_AFTER;
  }
}
