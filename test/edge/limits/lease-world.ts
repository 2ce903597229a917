import assert from 'node:assert/strict';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Lease } from '../../../edge/limits/connection-limits.ts';
import { SharedLimits, type SharedLimitSettings } from '../../../edge/limits/shared-limits.ts';
import { createLimitMetrics } from '../../../shared/metrics/limit-metrics.ts';
import { FakeClock, settle } from './fake-clock.ts';
import type { LeaseBackend } from './lease-backend.ts';
import { SimulatedStore } from './simulated-store.ts';

export const TTL_MS = 3000;
const TIMEOUT_MS = 250;
export const ADDRESSES = ['192.0.2.1', '192.0.2.2'];
export const APPLICATIONS = [undefined, 'wallet'];
export const ADDRESS_LIMIT = 3;
export const APPLICATION_LIMIT = 4;

/** A client as a process knows it. */
interface Client {
  readonly address: string;
  readonly application: string | undefined;
  lease: Lease | undefined;
  gone: boolean;
}

/** A process with its limits, its clients and its connection. */
class Process {
  readonly store: SimulatedStore;
  readonly limits: SharedLimits;
  readonly clients = new Set<Client>();
  readonly refusals: string[] = [];

  constructor(backend: LeaseBackend, clock: FakeClock, settings: SharedLimitSettings) {
    this.store = new SimulatedStore(backend, settings.leaseTtlMs, () => clock.now());
    const metrics = createLimitMetrics(new Registry());
    const log = pino({ level: 'silent' });
    this.limits = new SharedLimits(settings, { store: this.store, clock, metrics, log });
  }

  /** A client comes; whether it is let in shows later. */
  come(address: string, application: string | undefined): void {
    const client: Client = { address, application, lease: undefined, gone: false };
    this.clients.add(client);
    const applicationLimit = application === undefined ? undefined : APPLICATION_LIMIT;
    void this.limits.admit({ address, application, applicationLimit }).then((verdict) => {
      if (!verdict.admitted) {
        this.refusals.push(verdict.by);
        this.clients.delete(client);
      } else if (client.gone) {
        this.limits.release(verdict.lease);
        this.clients.delete(client);
      } else {
        client.lease = verdict.lease;
      }
    });
  }

  /** A client leaves, maybe in the middle of its admission. */
  leave(index: number): void {
    const client = [...this.clients][index % Math.max(1, this.clients.size)];
    if (client === undefined) return;
    client.gone = true;
    if (client.lease === undefined) return;
    this.clients.delete(client);
    this.limits.release(client.lease);
  }
}

/** Some processes that share one backend, in a time that a test makes. */
export class LeaseWorld {
  readonly clock = new FakeClock();
  readonly backend: LeaseBackend;
  readonly processes: Process[] = [];
  readonly #settings: Partial<SharedLimitSettings>;
  /** Connections that dead processes have left commands on. */
  readonly #graves: SimulatedStore[] = [];
  #starts = 0;

  constructor(backend: LeaseBackend, count: number, settings: Partial<SharedLimitSettings> = {}) {
    this.backend = backend;
    this.#settings = settings;
    for (let index = 0; index < count; index += 1) this.processes.push(this.#create());
  }

  process(index: number): Process {
    const found = this.processes[index % this.processes.length];
    assert.ok(found);
    return found;
  }

  async start(): Promise<void> {
    for (const { limits, store } of this.processes) {
      await limits.start();
      store.connect();
    }
    await this.deliver();
  }

  /** Everything that is on its way arrives, and what follows from it. */
  async deliver(): Promise<void> {
    for (;;) {
      await settle();
      const stores = this.processes.map(({ store }) => store).filter(({ unanswered }) => unanswered > 0);
      if (stores.length === 0) return;
      for (const store of stores) {
        await store.carryOut();
        store.answer();
        await settle();
      }
    }
  }

  async elapse(ms: number): Promise<void> {
    await this.backend.elapse(ms);
    await this.clock.advance(ms);
    await settle();
  }

  /** A process dies with all its clients; another one takes its place. */
  async kill(index: number): Promise<void> {
    const at = index % this.processes.length;
    const dead = this.process(at);
    dead.store.stop();
    this.#graves.push(dead.store);
    await settle();
    const next = this.#create();
    this.processes[at] = next;
    await next.limits.start();
  }

  /** The backend restarts empty, which nobody can miss. */
  async restart(): Promise<void> {
    for (const { store } of this.processes) store.cut();
    await this.backend.clear();
    await settle();
  }

  /** Commands of lost connections arrive that are not older than this. */
  async carryOutLeftBehind(maxAgeMs: number): Promise<void> {
    for (const store of [...this.#graves, ...this.processes.map((process) => process.store)])
      await store.carryOutLeftBehind(Infinity, maxAgeMs);
  }

  /** Everybody is connected, time passes in small steps, and every answer comes at once. */
  async calm(ms: number): Promise<void> {
    for (const { store } of this.processes) store.connect();
    await this.deliver();
    for (let passed = 0; passed < ms; passed += TTL_MS / 10) {
      await this.elapse(TTL_MS / 10);
      await this.deliver();
    }
  }

  async endAllClients(): Promise<void> {
    for (const process of this.processes) while (process.clients.size > 0) process.leave(0);
    await this.deliver();
  }

  /** What the backend holds is what the processes' clients are, and no process remembers more than its own. */
  async assertExact(): Promise<void> {
    await this.assertHeld();
    for (const { limits, clients } of this.processes)
      assert.deepEqual(
        { leases: limits.sizes.leases, book: limits.sizes.book, requests: limits.sizes.requests },
        { leases: clients.size, book: clients.size, requests: 0 },
      );
  }

  /** What the backend holds is what the processes' clients are. */
  async assertHeld(): Promise<void> {
    const clients = this.processes.flatMap((process) => [...process.clients]);
    const members = (of: (client: Client) => boolean) =>
      clients
        .filter(of)
        .map(({ lease }) => lease?.member ?? 'undecided')
        .sort();
    for (const address of ADDRESSES)
      assert.deepEqual(
        await this.backend.leases('address', address),
        members((client) => client.address === address),
      );
    for (const application of APPLICATIONS)
      if (application !== undefined)
        assert.deepEqual(
          await this.backend.leases('application', application),
          members((client) => client.application === application),
        );
  }

  #create(): Process {
    this.#starts += 1;
    return new Process(this.backend, this.clock, {
      edgeId: `edge-${this.#starts}`,
      perIpConnectionLimit: ADDRESS_LIMIT,
      connectRatePerIp: 0,
      connectBurstPerIp: 50,
      ipv6Prefix: 64,
      leaseTtlMs: TTL_MS,
      limitTimeoutMs: TIMEOUT_MS,
      limitFailMode: 'local',
      ...this.#settings,
    });
  }
}
