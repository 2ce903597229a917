/** How many clients of an IP address and of an application there may be, and how fast they may come (redis: "Limits"). */
import type { Lease } from '../../shared/limits/lease-store.ts';

export type { Lease };

/** Settings of the limits, by their names of the configuration. */
export interface LimitSettings {
  /** Connections of one IP address; 0: any number. */
  readonly perIpConnectionLimit: number;
  /** New connections per second and IP address; 0: any rate. */
  readonly connectRatePerIp: number;
  /** New connections of an IP address that may come at once. */
  readonly connectBurstPerIp: number;
  /** Bits of an IPv6 address that make one client. */
  readonly ipv6Prefix: number;
}

/** A client that wants in. */
export interface LimitRequest {
  /** Normalised; clients without one count as one. */
  readonly address: string | undefined;
  readonly application?: string | undefined;
  /** Connections that the application may have; `undefined`: any number. */
  readonly applicationLimit?: number | undefined;
}

/** The limit that refused; `unavailable`: Redis does not answer, and LIMIT_FAIL_MODE is `closed`. */
export type LimitRefusal =
  | { readonly admitted: false; readonly by: 'rate'; readonly retryAfterMs: number }
  | { readonly admitted: false; readonly by: 'ip' | 'application' | 'unavailable' };

export type LimitVerdict = { readonly admitted: true; readonly lease: Lease } | LimitRefusal;

export interface ConnectionLimits {
  /** Rejects when the server behind it is unfit. */
  start(): Promise<void>;
  /** Gives back what is still held. Idempotent; leaves no handle open. */
  stop(): Promise<void>;
  /** Checks rate, address and application, in this order. A refusal has taken nothing but of the rate. Never rejects. */
  admit(request: LimitRequest): Promise<LimitVerdict>;
  /** Gives an admitted client's place back; more than once is once. */
  release(lease: Lease): void;
}
