import assert from 'node:assert/strict';
import type { Cluster, Redis } from 'ioredis';
import { gcra } from '../../../edge/limits/gcra.ts';
import { limitKeys } from '../../../shared/backplane/redis/keys.ts';
import { admitLeases, releaseLeases, renewLeases } from '../../../shared/limits/lease-scripts.ts';
import type { Lease, LeaseAnswer, LeaseRequest } from '../../../shared/limits/lease-store.ts';

/** What carries out the commands of the limits: the scripts on a Redis, or a model of them. */
export interface LeaseBackend {
  admit(request: LeaseRequest, ttlMs: number): Promise<LeaseAnswer>;
  renew(leases: readonly Lease[], ttlMs: number): Promise<void>;
  release(leases: readonly Lease[]): Promise<void>;
  /** Lets time pass. */
  elapse(ms: number): Promise<void>;
  /** Forgets everything, as a server that restarts empty. */
  clear(): Promise<void>;
  /** Members of the leases of an address, or of an application, that have not expired, sorted. */
  leases(kind: 'address' | 'application', name: string): Promise<string[]>;
}

/** The scripts as they are meant. */
export class ModelBackend implements LeaseBackend {
  readonly #sets = new Map<string, Map<string, number>>();
  readonly #rates = new Map<string, number>();
  #now = 1_700_000_000_000;

  admit({ lease, rate, addressLimit, applicationLimit }: LeaseRequest, ttlMs: number): Promise<LeaseAnswer> {
    if (rate !== undefined) {
      const verdict = gcra(
        { interval: 1000 / rate.perSecond, burst: rate.burst },
        this.#rates.get(rate.address) ?? 0,
        this.#now,
      );
      if (!verdict.allowed)
        return Promise.resolve({ result: 'rate', retryAfterMs: Math.ceil(verdict.retryAfter) } as const);
      this.#rates.set(rate.address, verdict.due);
    }
    const { address, application } = lease;
    if (address !== undefined && this.#set('address', address).size >= addressLimit)
      return Promise.resolve({ result: 'ip' });
    if (application !== undefined && this.#set('application', application).size >= applicationLimit)
      return Promise.resolve({ result: 'application' });
    return this.renew([lease], ttlMs).then(() => ({ result: 'admitted' }));
  }

  renew(leases: readonly Lease[], ttlMs: number): Promise<void> {
    for (const { set, member } of this.#places(leases)) set.set(member, this.#now + ttlMs);
    return Promise.resolve();
  }

  release(leases: readonly Lease[]): Promise<void> {
    for (const { set, member } of this.#places(leases)) set.delete(member);
    return Promise.resolve();
  }

  elapse(ms: number): Promise<void> {
    this.#now += ms;
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this.#sets.clear();
    this.#rates.clear();
    return Promise.resolve();
  }

  leases(kind: 'address' | 'application', name: string): Promise<string[]> {
    return Promise.resolve([...this.#set(kind, name).keys()].sort());
  }

  *#places(leases: readonly Lease[]) {
    for (const { member, address, application } of leases) {
      if (address !== undefined) yield { member, set: this.#set('address', address) };
      if (application !== undefined) yield { member, set: this.#set('application', application) };
    }
  }

  #set(kind: string, name: string): Map<string, number> {
    const key = `${kind} ${name}`;
    const set = this.#sets.get(key) ?? new Map<string, number>();
    this.#sets.set(key, set);
    for (const [member, expiry] of set) if (expiry <= this.#now) set.delete(member);
    return set;
  }
}

/** The scripts on a Redis. Time is made to pass there by moving everything into the past. */
export class ScriptBackend implements LeaseBackend {
  readonly #client: Redis | Cluster;
  readonly #keys: ReturnType<typeof limitKeys>;
  readonly #sets = new Set<string>();
  readonly #rates = new Set<string>();

  constructor(client: Redis | Cluster, prefix: string) {
    this.#client = client;
    this.#keys = limitKeys(prefix);
  }

  async admit(request: LeaseRequest, ttlMs: number): Promise<LeaseAnswer> {
    this.#note([request.lease]);
    if (request.rate !== undefined) this.#rates.add(this.#keys.rate(request.rate.address));
    const [answer] = await admitLeases(this.#client, this.#keys, [request], ttlMs);
    assert.ok(answer !== undefined);
    return answer;
  }

  renew(leases: readonly Lease[], ttlMs: number): Promise<void> {
    this.#note(leases);
    return renewLeases(this.#client, this.#keys, leases, ttlMs);
  }

  release(leases: readonly Lease[]): Promise<void> {
    return releaseLeases(this.#client, this.#keys, leases);
  }

  async elapse(ms: number): Promise<void> {
    for (const key of this.#sets) {
      const members = await this.#client.zrange(key, 0, '-1');
      for (const member of members)
        await this.#client.zadd(key, Number(await this.#client.zscore(key, member)) - ms, member);
      await this.#age(key, ms);
    }
    for (const key of this.#rates) {
      const due = await this.#client.get(key);
      if (due !== null) await this.#client.set(key, (Number(due) - ms * 1000).toFixed(0), 'KEEPTTL');
      await this.#age(key, ms);
    }
  }

  async clear(): Promise<void> {
    for (const key of [...this.#sets, ...this.#rates]) await this.#client.del(key);
  }

  async leases(kind: 'address' | 'application', name: string): Promise<string[]> {
    const [seconds, micros] = (await this.#client.call('TIME')) as [string, string];
    const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    const key = kind === 'address' ? this.#keys.addressLeases(name) : this.#keys.applicationLeases(name);
    return (await this.#client.zrangebyscore(key, `(${now}`, '+inf')).sort();
  }

  async #age(key: string, ms: number): Promise<void> {
    const left = await this.#client.pttl(key);
    if (left > 0) await this.#client.pexpire(key, Math.max(1, left - ms));
  }

  #note(leases: readonly Lease[]): void {
    for (const { address, application } of leases) {
      if (address !== undefined) this.#sets.add(this.#keys.addressLeases(address));
      if (application !== undefined) this.#sets.add(this.#keys.applicationLeases(application));
    }
  }
}
