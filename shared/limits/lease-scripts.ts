import type { RedisClient } from '../backplane/redis/connect.ts';
import { StateError } from '../backplane/redis/errors.ts';
import type { LimitKeys } from '../backplane/redis/keys.ts';
import { loadScript } from '../backplane/redis/load-script.ts';
import type { Lease, LeaseAnswer, LeaseRequest } from './lease-store.ts';

const ADMIT = loadScript(new URL('./admit.lua', import.meta.url));
const RENEW = loadScript(new URL('./renew-leases.lua', import.meta.url));
const RELEASE = loadScript(new URL('./release-leases.lua', import.meta.url));

/** Microseconds between two connections of an address; 0: any rate. */
function intervalOf(rate: LeaseRequest['rate']): number {
  return rate === undefined ? 0 : Math.max(1, Math.round(1_000_000 / rate.perSecond));
}

/** What admit.lua's answer to one connection means. */
function readAnswer(answer: unknown): LeaseAnswer {
  switch (answer) {
    case 0:
      return { result: 'admitted' };
    case -1:
      return { result: 'ip' };
    case -2:
      return { result: 'application' };
    default:
      if (Number.isSafeInteger(answer) && Number(answer) > 0) return { result: 'rate', retryAfterMs: Number(answer) };
      throw new StateError('admit.lua gave an answer of another shape');
  }
}

/**
 * Runs admit.lua, which tells everything about its arguments.
 *
 * @param leaseTtlMs until the leases expire
 * @returns an answer for each request, in their order
 * @throws StateError when an answer cannot be read
 */
export async function admitLeases(
  client: RedisClient,
  keys: LimitKeys,
  requests: readonly LeaseRequest[],
  leaseTtlMs: number,
): Promise<LeaseAnswer[]> {
  const names: string[] = [];
  const values: (string | number)[] = [leaseTtlMs];
  for (const { lease, rate, addressLimit, applicationLimit } of requests) {
    names.push(
      rate === undefined ? keys.absent : keys.rate(rate.address),
      lease.address === undefined ? keys.absent : keys.addressLeases(lease.address),
      lease.application === undefined ? keys.absent : keys.applicationLeases(lease.application),
    );
    values.push(
      lease.member,
      intervalOf(rate),
      rate?.burst ?? 0,
      lease.address === undefined ? '' : addressLimit,
      lease.application === undefined ? '' : applicationLimit,
    );
  }
  const reply = await client.eval(ADMIT, names.length, ...names, ...values);
  if (!Array.isArray(reply) || reply.length !== requests.length)
    throw new StateError('admit.lua gave an answer of another shape');
  return reply.map(readAnswer);
}

/** The sorted sets that leases stand in, with their members. */
function membersByKey(keys: LimitKeys, leases: readonly Lease[]): ReadonlyMap<string, readonly string[]> {
  const sets = new Map<string, string[]>();
  const add = (key: string, member: string): void => {
    const members = sets.get(key);
    if (members === undefined) sets.set(key, [member]);
    else members.push(member);
  };
  for (const { member, address, application } of leases) {
    if (address !== undefined) add(keys.addressLeases(address), member);
    if (application !== undefined) add(keys.applicationLeases(application), member);
  }
  return sets;
}

/** The members of each set behind their number. */
function counted(sets: ReadonlyMap<string, readonly string[]>): (string | number)[] {
  return [...sets.values()].flatMap((members) => [members.length, ...members]);
}

/** Runs renew-leases.lua. */
export async function renewLeases(
  client: RedisClient,
  keys: LimitKeys,
  leases: readonly Lease[],
  leaseTtlMs: number,
): Promise<void> {
  const sets = membersByKey(keys, leases);
  await client.eval(RENEW, sets.size, ...sets.keys(), leaseTtlMs, ...counted(sets));
}

/** Runs release-leases.lua. */
export async function releaseLeases(client: RedisClient, keys: LimitKeys, leases: readonly Lease[]): Promise<void> {
  const sets = membersByKey(keys, leases);
  await client.eval(RELEASE, sets.size, ...sets.keys(), ...counted(sets));
}

/** Runs a script that has nothing to do. */
export async function runIdle(client: RedisClient, keys: LimitKeys): Promise<void> {
  await client.eval(RELEASE, 1, keys.absent, 1, '');
}
