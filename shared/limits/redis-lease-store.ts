import type { RedisMode } from '../config/formats/redis-url.ts';
import { createCommandClient, readTarget, type RedisClient } from '../backplane/redis/connect.ts';
import { RedisConnection } from '../backplane/redis/connection.ts';
import { limitKeys, type LimitKeys } from '../backplane/redis/keys.ts';
import { LimitedLog } from '../backplane/redis/limited-log.ts';
import type { RedisDependencies } from '../backplane/redis/options.ts';
import { askToWrite, prepareCommands } from '../backplane/redis/prepare.ts';
import { Reconnects } from '../backplane/redis/reconnects.ts';
import { AdmissionBatch } from './admission-batch.ts';
import { admitLeases, releaseLeases, renewLeases, runIdle } from './lease-scripts.ts';
import type { Lease, LeaseAnswer, LeaseRequest, LeaseStore } from './lease-store.ts';

export interface RedisLeaseStoreOptions {
  /** See `parseRedisUrl`. Holds secrets; never logged. */
  readonly redisUrl: string;
  /** What the URL's scheme says, unless `cluster` makes a Cluster of a plain `redis://` URL. */
  readonly redisMode?: RedisMode | undefined;
  readonly redisKeyPrefix: string;
  readonly leaseTtlMs: number;
}

/**
 * Leases in Redis, on a connection of their own: behind the pages of the history, an admission would wait for megabytes.
 * Redis carries calls out in their order, except in a Cluster whose slots move. Admissions
 * that come in a rush go out together.
 */
class RedisLeaseStore implements LeaseStore {
  readonly #leaseTtlMs: number;
  readonly #keys: LimitKeys;
  readonly #client: RedisClient;
  readonly #connection: RedisConnection;
  readonly #admissions: AdmissionBatch;
  readonly #listeners: ((available: boolean) => void)[] = [];

  constructor(options: RedisLeaseStoreOptions, { log, metrics }: RedisDependencies) {
    const target = readTarget(options);
    const limited = new LimitedLog(log);
    const keys = limitKeys(options.redisKeyPrefix);
    const reconnects = new Reconnects(target.mode);
    const client = createCommandClient(target, `${options.redisKeyPrefix}:limits`, reconnects);
    this.#leaseTtlMs = options.leaseTtlMs;
    this.#keys = keys;
    this.#client = client;
    this.#connection = new RedisConnection({
      name: 'limits',
      client,
      reconnects,
      prepare: () => prepareCommands(client, keys, target.mode, limited, () => this.#check()),
      check: () => this.#check(),
      onAvailable: (available) => {
        // What has not been sent goes to no other server than the one that it was meant for.
        this.#admissions.drop();
        for (const listener of this.#listeners) listener(available);
      },
      log: limited,
      metrics,
    });
    this.#admissions = new AdmissionBatch((requests) =>
      this.#connection.run('admit', () => admitLeases(client, keys, requests, options.leaseTtlMs)),
    );
  }

  get available(): boolean {
    return this.#connection.available;
  }

  onAvailable(listener: (available: boolean) => void): void {
    this.#listeners.push(listener);
  }

  start(): Promise<void> {
    return this.#connection.start();
  }

  stop(): void {
    this.#admissions.drop();
    this.#connection.stop();
  }

  admit(request: LeaseRequest): Promise<LeaseAnswer> {
    return this.#admissions.add(request);
  }

  renew(leases: readonly Lease[]): Promise<void> {
    this.#admissions.send();
    return this.#connection.run('renew', () => renewLeases(this.#client, this.#keys, leases, this.#leaseTtlMs));
  }

  release(leases: readonly Lease[]): Promise<void> {
    this.#admissions.send();
    return this.#connection.run('release', () => releaseLeases(this.#client, this.#keys, leases));
  }

  probe(): Promise<void> {
    this.#admissions.send();
    return this.#connection.run('probe', () => this.#check());
  }

  /** Only what makes admissions possible counts as a sign of life: writes are taken, and scripts are run. */
  async #check(): Promise<void> {
    await Promise.all([askToWrite(this.#client, this.#keys), runIdle(this.#client, this.#keys)]);
  }
}

/** The leases of a fleet in Redis; it connects when it is started. */
export function createRedisLeaseStore(options: RedisLeaseStoreOptions, dependencies: RedisDependencies): LeaseStore {
  return new RedisLeaseStore(options, dependencies);
}
