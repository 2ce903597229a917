import { addressGroup } from './address-group.ts';
import type { Lease, LimitRequest, LimitSettings } from './connection-limits.ts';

/** What a client that wants in asks of the limits. */
export interface Claim {
  /** What its address counts by. */
  readonly address: string;
  /** Names the limited ones of its address and its application. */
  readonly lease: Lease;
  /** Not looked at where the lease has no application. */
  readonly applicationLimit: number;
}

/** @param member names the connection, see {@link Lease} */
export function claimOf(request: LimitRequest, settings: LimitSettings, member: string): Claim {
  const address = addressGroup(request.address, settings.ipv6Prefix);
  const { application, applicationLimit } = request;
  return {
    address,
    lease: {
      member,
      address: settings.perIpConnectionLimit === 0 ? undefined : address,
      application: applicationLimit === undefined ? undefined : application,
    },
    applicationLimit: applicationLimit ?? 0,
  };
}

/** Whether a lease counts anywhere. */
export function counts({ address, application }: Lease): boolean {
  return address !== undefined || application !== undefined;
}
