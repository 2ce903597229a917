import { EventEmitter } from 'node:events';
import { Cluster, Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { pino, type Logger } from 'pino';
import type { StreamBounds, StreamPublisher, StreamSource } from '../../shared/backplane/backplane.ts';
import { ownerOf } from '../../shared/backplane/redis/connect.ts';
import { streamKeys, type StreamKeys } from '../../shared/backplane/redis/keys.ts';
import type { RedisOptions } from '../../shared/backplane/redis/options.ts';
import { createRedisPublisher } from '../../shared/backplane/redis/publisher.ts';
import { createRedisSource } from '../../shared/backplane/redis/source.ts';
import { parseRedisUrl, type RedisMode } from '../../shared/config/formats/redis-url.ts';
import { createRedisMetrics } from '../../shared/metrics/redis-metrics.ts';
import { ageStream } from '../support/redis-age.ts';
import { uniquePrefix } from '../support/redis.ts';
import { WIDE_BOUNDS, type BackplaneHarness } from './backplane-harness.ts';

/** A log whose lines a test can read. */
export class LogLines {
  readonly lines: Record<string, unknown>[] = [];
  /** Emits `line` after each. */
  readonly events = new EventEmitter();
  readonly log: Logger = pino({ level: 'trace', base: null }, { write: (line) => this.#keep(line) });

  /** All lines as the text that they were written as. */
  get text(): string {
    return this.lines.map((line) => JSON.stringify(line)).join('\n');
  }

  #keep(line: string): void {
    this.lines.push(JSON.parse(line) as Record<string, unknown>);
    this.events.emit('line');
  }
}

/** A stream of its own in a Redis, and a client to look at it and disturb it. */
export class RedisHarness implements BackplaneHarness {
  readonly options: RedisOptions;
  readonly keys: StreamKeys;
  readonly client: Redis | Cluster;
  readonly logs = new LogLines();
  readonly registry = new Registry();
  readonly metrics = createRedisMetrics(this.registry);
  readonly #opened: { stop(): Promise<void> }[] = [];

  constructor(redisUrl: string, bounds: StreamBounds = WIDE_BOUNDS, redisMode?: RedisMode) {
    const redisKeyPrefix = uniquePrefix();
    this.options = { redisUrl, redisKeyPrefix, ...bounds, ...(redisMode && { redisMode }) };
    this.keys = streamKeys(redisKeyPrefix);
    const nodes = parseRedisUrl(redisUrl)?.nodes ?? [];
    this.client =
      redisMode === 'cluster'
        ? new Cluster(nodes.map((node) => ({ ...node })))
        : new Redis(redisUrl, { enableReadyCheck: false });
    this.client.on('error', () => undefined);
  }

  publisher(): StreamPublisher {
    return this.through(this.options.redisUrl).publisher();
  }

  source(): StreamSource {
    return this.through(this.options.redisUrl).source();
  }

  /** The same stream, reached under another URL. */
  through(redisUrl: string): Pick<RedisHarness, 'publisher' | 'source'> {
    const options = { ...this.options, redisUrl };
    const dependencies = { log: this.logs.log, metrics: this.metrics };
    return {
      publisher: () => this.#keep(createRedisPublisher(options, dependencies)),
      source: () => this.#keep(createRedisSource(options, dependencies)),
    };
  }

  elapse(ms: number): Promise<void> {
    return ageStream(this.client, this.options.redisKeyPrefix, ms);
  }

  /** Resolves when a replica has what was published. */
  async settle(): Promise<void> {
    const owner = this.client instanceof Cluster ? await this.#owner(this.client) : this.client;
    await owner.wait(1, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((opened) => opened.stop()));
    // A server that is gone or broken by the test has nothing to be tidied up.
    if (this.client.status === 'ready')
      await this.client.del(this.keys.state, this.keys.history).catch(() => undefined);
    this.client.disconnect();
  }

  async #owner(cluster: Cluster): Promise<Redis> {
    const address = ownerOf(cluster, await cluster.cluster('KEYSLOT', this.keys.state));
    const found = cluster.nodes('master').find(({ options }) => options.port === address?.port);
    if (found === undefined) throw new Error('the owner of the stream is not known');
    return found;
  }

  #keep<T extends { stop(): Promise<void> }>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }
}
