import type { Redis } from 'ioredis';
import type { RedisTarget } from '../../config/formats/redis-url.ts';
import type { RedisMetrics } from '../../metrics/redis-metrics.ts';
import { createSubscriberClient, type NodeAddress } from './connect.ts';
import { RedisConnection } from './connection.ts';
import { isReplyError } from './errors.ts';
import type { LimitedLog } from './limited-log.ts';
import { Reconnects } from './reconnects.ts';

export interface SubscriptionOptions {
  readonly target: RedisTarget;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly channel: string;
  /** The node of a Cluster that serves the channel. */
  readonly owner: () => NodeAddress | undefined;
  readonly onMessage: (bytes: Buffer) => void;
  readonly onAvailable: (available: boolean) => void;
  readonly log: LimitedLog;
  readonly metrics: RedisMetrics;
}

/** Redis refuses a PING while it cannot save, or where the user may not send it: the subscription works all the same. */
const ALIVE = /^(MISCONF|NOPERM)\b/;

/** Asks for a sign of life. */
async function ping(client: Redis): Promise<void> {
  try {
    await client.ping();
  } catch (error) {
    if (!isReplyError(error) || !ALIVE.test(error.message)) throw error;
  }
}

/** A connection that listens to the stream's channel; available once the server has acknowledged the subscription. */
export class Subscription {
  readonly #client: Redis;
  readonly #connection: RedisConnection;

  constructor({ target, channel, owner, onMessage, ...options }: SubscriptionOptions) {
    const reconnects = new Reconnects(target.mode);
    const client = createSubscriberClient(target, options.name, reconnects, owner);
    this.#client = client;
    const sharded = target.mode === 'cluster';
    this.#connection = new RedisConnection({
      ...options,
      name: 'subscription',
      client,
      reconnects,
      prepare: () => (sharded ? client.ssubscribe(channel) : client.subscribe(channel)),
      check: () => ping(client),
    });
    client.on(sharded ? 'smessageBuffer' : 'messageBuffer', (_channel: Buffer, bytes: Buffer) => onMessage(bytes));
    // The server ends the subscription where the channel's slot moved to another node.
    client.on('moved', () => this.#connection.renew());
  }

  get available(): boolean {
    return this.#connection.available;
  }

  start(): Promise<void> {
    return this.#connection.start();
  }

  /** Idempotent; leaves no handle open. */
  stop(): void {
    this.#client.removeAllListeners('messageBuffer');
    this.#client.removeAllListeners('smessageBuffer');
    this.#connection.stop();
  }
}
