import type { Cluster } from 'ioredis';
import { EnvelopeError, decodeEnvelope, type Envelope } from '../../envelope.ts';
import type { HistoryRead, StreamHead, StreamSource, StreamSourceListener } from '../backplane.ts';
import { createCommandClient, ownerOf, readTarget, type RedisClient } from './connect.ts';
import { RedisConnection } from './connection.ts';
import { streamKeys, type StreamKeys } from './keys.ts';
import { LimitedLog } from './limited-log.ts';
import type { RedisDependencies, RedisOptions } from './options.ts';
import { prepareCommands, signOfLife } from './prepare.ts';
import { Reconnects } from './reconnects.ts';
import { fetchHistoryPage, type HistoryPage } from './scripts.ts';
import { isId, readNumber } from './state-codec.ts';
import { Subscription } from './subscription.ts';

/** Entries per read of the history: at 100 KB each a page takes milliseconds, and Redis serves others in between. */
const PAGE_SIZE = 16;

/**
 * The edge's side of the backplane in Redis: a connection for the subscription and one for commands. It is available while
 * both work; the subscription is acknowledged before that is told.
 */
class RedisSource implements StreamSource {
  readonly #keys: StreamKeys;
  readonly #retentionMs: number;
  readonly #client: RedisClient;
  readonly #commands: RedisConnection;
  readonly #subscription: Subscription;
  readonly #log: LimitedLog;
  readonly #setUp: (up: boolean) => void;
  #listener: StreamSourceListener | undefined;
  #available = false;
  #slot: number | undefined;
  /** Newest history entry of an unknown version that was reported; each is, once. */
  #unknownUpTo = 0;

  constructor(options: RedisOptions, { log, metrics }: RedisDependencies) {
    const target = readTarget(options);
    this.#keys = streamKeys(options.redisKeyPrefix);
    this.#retentionMs = options.streamRetentionMs;
    this.#log = new LimitedLog(log);
    this.#setUp = (up) => metrics.up.set(up ? 1 : 0);
    const reconnects = new Reconnects(target.mode);
    const client = createCommandClient(target, `${options.redisKeyPrefix}:source`, reconnects);
    this.#client = client;
    this.#commands = new RedisConnection({
      name: 'commands',
      client,
      reconnects,
      prepare: async () => {
        await prepareCommands(client, this.#keys, target.mode, this.#log, () => this.#askToRead());
        if (target.mode === 'cluster') this.#slot = await client.cluster('KEYSLOT', this.#keys.channel);
      },
      check: () => (this.#commands.available ? signOfLife(client, this.#keys) : this.#askToRead()),
      onAvailable: () => this.#update(),
      log: this.#log,
      metrics,
    });
    this.#subscription = new Subscription({
      target,
      name: `${options.redisKeyPrefix}:subscription`,
      channel: this.#keys.channel,
      owner: () => (this.#slot === undefined ? undefined : ownerOf(client as Cluster, this.#slot)),
      onMessage: (bytes) => this.#receive(bytes),
      onAvailable: () => this.#update(),
      log: this.#log,
      metrics,
    });
  }

  async start(listener: StreamSourceListener): Promise<void> {
    if (this.#listener !== undefined) return;
    this.#listener = listener;
    // One after the other: in a Cluster the commands' connection knows where the channel is.
    await this.#commands.start();
    await this.#subscription.start();
  }

  async readAfter(sequence: number): Promise<HistoryRead> {
    const envelopes: Envelope[] = [];
    let after = `${sequence}-0`;
    let newestSequence: number | undefined;
    for (;;) {
      const page = await this.#fetchPage(after, PAGE_SIZE);
      newestSequence = page.last ?? newestSequence;
      for (const { sequence: number, envelope } of page.entries) {
        const decoded = this.#decode(envelope, number);
        if (decoded?.sequence === number) envelopes.push(decoded);
        else if (decoded !== undefined)
          this.#log.warn({}, 'An entry of the history has not the number of its envelope');
      }
      if (page.next === undefined) {
        return { envelopes, oldestSequence: page.oldest, ...(newestSequence !== undefined && { newestSequence }) };
      }
      after = page.next;
    }
  }

  head(): Promise<StreamHead | undefined> {
    return this.#commands.run('head', async () => {
      const [epoch, sequence, token] = await this.#client.hmget(this.#keys.state, 'epoch', 'sequence', 'token');
      const number = readNumber(sequence);
      return isId(epoch) && isId(token) && number !== undefined ? { epoch, sequence: number, token } : undefined;
    });
  }

  stop(): Promise<void> {
    this.#subscription.stop();
    this.#commands.stop();
    return Promise.resolve();
  }

  #fetchPage(after: string, size: number): Promise<HistoryPage> {
    return this.#commands.run('history', () => this.#askForPage(after, size));
  }

  #askForPage(after: string, size: number): Promise<HistoryPage> {
    return fetchHistoryPage(this.#client, this.#keys, { after, size, retentionMs: this.#retentionMs });
  }

  /**
   * Only a stream that can be read makes the source available. Else one that answers everything with an error would be
   * available for a moment again and again.
   */
  async #askToRead(): Promise<void> {
    await Promise.all([this.#client.hmget(this.#keys.state, 'epoch', 'sequence', 'token'), this.#askForPage('0-0', 1)]);
  }

  #update(): void {
    const available = this.#commands.available && this.#subscription.available;
    if (available === this.#available) return;
    this.#available = available;
    this.#setUp(available);
    this.#listener?.available(available);
  }

  #receive(bytes: Buffer): void {
    const envelope = this.#decode(bytes);
    if (envelope !== undefined) this.#listener?.message(envelope);
  }

  /** @param number where the history has the bytes; undefined for a live message */
  #decode(bytes: Buffer, number?: number): Envelope | undefined {
    try {
      return decodeEnvelope(bytes);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      this.#log.warn({ reason: error.message }, 'An envelope cannot be read');
      if (error.version !== undefined && (number === undefined || number > this.#unknownUpTo)) {
        this.#unknownUpTo = Math.max(this.#unknownUpTo, number ?? 0);
        this.#listener?.unknownVersion(error.version);
      }
      return undefined;
    }
  }
}

/** The edge's side of the backplane in Redis; it connects when it is started. */
export function createRedisSource(options: RedisOptions, dependencies: RedisDependencies): StreamSource {
  return new RedisSource(options, dependencies);
}
