import type { PublishOutcome, PublishRequest, StoredState, StreamPublisher } from '../backplane.ts';
import { createCommandClient, readTarget, type RedisClient } from './connect.ts';
import { RedisConnection } from './connection.ts';
import type { UnreadableStateError } from './errors.ts';
import { streamKeys, type StreamKeys } from './keys.ts';
import { LimitedLog } from './limited-log.ts';
import type { RedisDependencies, RedisOptions } from './options.ts';
import { askToWrite, prepareCommands } from './prepare.ts';
import { Reconnects } from './reconnects.ts';
import { append, fetchState, type PublishCommand } from './scripts.ts';

/**
 * The ingest's side of the backplane in Redis: one connection on which publishes are pipelined. Redis carries them out in
 * the order of the calls; nothing is sent twice.
 */
class RedisPublisher implements StreamPublisher {
  readonly #options: RedisOptions;
  readonly #keys: StreamKeys;
  readonly #client: RedisClient;
  readonly #connection: RedisConnection;
  readonly #log: LimitedLog;
  readonly #publishCommand: PublishCommand;
  /** Token of the stored state that could not be read last. */
  #unreadable = '';
  readonly #listeners: ((available: boolean) => void)[] = [];

  constructor(options: RedisOptions, { log, metrics }: RedisDependencies) {
    const target = readTarget(options);
    this.#options = options;
    this.#keys = streamKeys(options.redisKeyPrefix);
    this.#log = new LimitedLog(log);
    this.#publishCommand = target.mode === 'cluster' ? 'SPUBLISH' : 'PUBLISH';
    const reconnects = new Reconnects(target.mode);
    const client = createCommandClient(target, `${options.redisKeyPrefix}:publisher`, reconnects);
    this.#client = client;
    this.#connection = new RedisConnection({
      name: 'commands',
      client,
      reconnects,
      prepare: () =>
        prepareCommands(client, this.#keys, target.mode, this.#log, () =>
          Promise.all([askToWrite(client, this.#keys), this.#fetchState()]),
        ),
      check: () => this.#check(),
      onAvailable: (available) => {
        metrics.up.set(available ? 1 : 0);
        for (const listener of this.#listeners) listener(available);
      },
      log: this.#log,
      metrics,
    });
  }

  start(): Promise<void> {
    return this.#connection.start();
  }

  onAvailable(listener: (available: boolean) => void): void {
    this.#listeners.push(listener);
    if (this.#connection.available) listener(true);
  }

  readState(): Promise<StoredState | undefined> {
    return this.#connection.run('state', () => this.#fetchState());
  }

  publish(request: PublishRequest): Promise<PublishOutcome> {
    return this.#connection.run('publish', async () => {
      const { outcome, unreadable } = await append(
        this.#client,
        this.#keys,
        request,
        this.#options,
        this.#publishCommand,
        this.#unreadable,
      );
      this.#noteUnreadable(unreadable);
      return outcome;
    });
  }

  /**
   * Only what makes publishes possible counts as a sign of life. Else a Redis that answers and takes nothing would be
   * available for a moment again and again: ready to whoever asks, and every publish in vain.
   */
  async #check(): Promise<void> {
    await askToWrite(this.#client, this.#keys);
    if (!this.#connection.available) await this.#fetchState();
  }

  async #fetchState(): Promise<StoredState | undefined> {
    const { state, unreadable } = await fetchState(this.#client, this.#keys, this.#publishCommand);
    this.#noteUnreadable(unreadable);
    return state;
  }

  #noteUnreadable(error: UnreadableStateError | undefined): void {
    if (error === undefined) return;
    this.#unreadable = error.token;
    this.#log.warn({ reason: error.message }, 'The stored state counts as missing: a new epoch is to begin');
  }

  stop(): Promise<void> {
    this.#connection.stop();
    return Promise.resolve();
  }
}

/** The ingest's side of the backplane in Redis; it connects when it is started. */
export function createRedisPublisher(options: RedisOptions, dependencies: RedisDependencies): StreamPublisher {
  return new RedisPublisher(options, dependencies);
}
