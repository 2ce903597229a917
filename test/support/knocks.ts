import { Redis } from 'ioredis';
import { RawPeer, upgradeRequest } from '../edge/raw-peer.ts';
import type { Server } from './stack.ts';

/** How long a state of another process is waited for. */
const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 20;

/** One attempt of a client to get in: its answer, and its connection where it was let in. */
export class Knock implements AsyncDisposable {
  readonly peer: RawPeer;
  readonly tookMs: number;

  private constructor(peer: RawPeer, tookMs: number) {
    this.peer = peer;
    this.tookMs = tookMs;
  }

  /** Resolves with the answer; status 0 where there was none. */
  static async at(port: number, path = '/ws', headers: readonly string[] = []): Promise<Knock> {
    const peer = new RawPeer(port);
    const startedAt = performance.now();
    peer.socket.write(upgradeRequest(path, headers));
    await peer.changes.until(() => peer.closed || peer.status === 101, 'an answer');
    return new Knock(peer, performance.now() - startedAt);
  }

  /** From an address behind a trusted proxy. */
  static from(address: string, port: number, path?: string): Promise<Knock> {
    return Knock.at(port, path, [`X-Forwarded-For: ${address}`]);
  }

  get status(): number {
    return this.peer.status ?? 0;
  }

  /** Status and message of a refusal: `429 IP limit exceeded`. */
  get answer(): string {
    if (this.status === 101 || this.status === 0) return String(this.status);
    return `${this.status} ${(JSON.parse(this.peer.body) as { message: string }).message}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
  }
}

/** How often each answer was given. */
export function tally(knocks: readonly Knock[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { answer } of knocks) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

/** Ends all connections. */
export async function closeAll(knocks: readonly Knock[]): Promise<void> {
  await Promise.all(knocks.map((knock) => knock[Symbol.asyncDispose]()));
}

/** Waits for a state that no event tells about. */
export async function eventually(state: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await state())) {
    if (performance.now() > end) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Waits until an edge counts its limits in Redis, or until it does not. */
export function sharesLimits(edge: Server, shared = true): Promise<void> {
  return eventually(
    async () => (await edge.metric('flashcast_limit_degraded')) === (shared ? 0 : 1),
    `limits that are ${shared ? '' : 'not '}shared`,
  );
}

/** What an observer sees of the limits in a Redis. */
export class LimitsInRedis implements AsyncDisposable {
  readonly #client: Redis;

  constructor(url: string) {
    this.#client = new Redis(url);
    this.#client.on('error', () => undefined);
  }

  /** Leases in all sets. */
  async leases(): Promise<number> {
    const keys = await this.#client.keys('*:limits}:*');
    const sets = keys.filter((key) => key.includes(':ip:') || key.includes(':app:'));
    const sizes = await Promise.all(sets.map((key) => this.#client.zcard(key)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Waits until no lease is left. */
  async empty(): Promise<void> {
    await eventually(async () => (await this.leases()) === 0, 'a Redis without leases');
  }

  /** Commands so far that only an admission or a renewal is made of; a sign of life is made of others. */
  async admissionCommands(): Promise<number> {
    const stats = await this.#client.info('commandstats');
    return ['zremrangebyscore', 'zcard', 'zadd']
      .map((name) => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+)`, 'm').exec(stats)?.[1] ?? 0))
      .reduce((sum, calls) => sum + calls, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }
}
