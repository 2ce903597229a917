import { AbstractConnector, Cluster, Redis } from 'ioredis';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { parseRedisUrl, type RedisTarget } from '../../config/formats/redis-url.ts';
import type { RedisOptions } from './options.ts';
import type { Reconnects } from './reconnects.ts';

export type RedisClient = Redis | Cluster;

/** A connection attempt that takes longer than this is for a host that drops packets; the next attempt is due. */
const CONNECT_TIMEOUT_MS = 2000;

/** How long a connection that is given up may take to close; a peer that went silent never answers the FIN. */
const DISCONNECT_TIMEOUT_MS = 100;

/** A Sentinel that does not answer within this is passed over for the next one. */
const SENTINEL_TIMEOUT_MS = 800;

/** Where a URL and a mode point to. A message never tells the URL. */
export function readTarget({ redisUrl, redisMode }: Pick<RedisOptions, 'redisUrl' | 'redisMode'>): RedisTarget {
  const target = parseRedisUrl(redisUrl);
  if (target === undefined) throw new TypeError('REDIS_URL is not the URL of a Redis');
  if (redisMode === undefined || redisMode === target.mode) return target;
  if (redisMode !== 'cluster' || target.mode !== 'standalone')
    throw new TypeError(`REDIS_MODE ${redisMode} contradicts REDIS_URL, which is ${target.mode}`);
  return { ...target, mode: 'cluster' };
}

/**
 * Options of every connection. Nothing is ever sent again by the client: a command whose answer is lost fails at once, and
 * commands given while there is no connection fail at once, as the callers know better what is still worth sending.
 */
function clientOptions(target: RedisTarget, connectionName: string) {
  return {
    ...(target.username !== undefined && { username: target.username }),
    ...(target.password !== undefined && { password: target.password }),
    ...(target.tls && { tls: {} }),
    protocol: 3 as const,
    connectionName,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // What a fresh connection needs is done by its owner, who then knows when the subscription is acknowledged.
    autoResubscribe: false,
    lazyConnect: true,
    // The owner looks at INFO itself; only Sentinels need the look at the role, after a failover.
    enableReadyCheck: target.mode === 'sentinel',
  };
}

/** Options of a connection to one primary, found by address or by Sentinels. */
function primaryOptions(target: RedisTarget, connectionName: string, reconnects: Reconnects) {
  const reconnectDelayMs = (attempt: number) => reconnects.delayMs(attempt);
  const [first] = target.nodes;
  const address =
    target.mode === 'sentinel'
      ? {
          sentinels: target.nodes.map(({ host, port }) => ({ host, port })),
          ...(target.primaryName !== undefined && { name: target.primaryName }),
          ...(target.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
          ...(target.sentinelUsername !== undefined && { sentinelUsername: target.sentinelUsername }),
          ...(target.sentinelPassword !== undefined && { sentinelPassword: target.sentinelPassword }),
          sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
          sentinelRetryStrategy: reconnectDelayMs,
          // Without it, a client stays on the old primary for seconds after a failover that somebody ordered.
          failoverDetector: true,
        }
      : { ...first };
  return {
    ...clientOptions(target, connectionName),
    ...address,
    db: target.database,
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
  };
}

/**
 * A client for commands; not connected yet.
 *
 * @param name shown by CLIENT LIST; no white space
 */
export function createCommandClient(target: RedisTarget, name: string, reconnects: Reconnects): RedisClient {
  if (target.mode !== 'cluster') return new Redis(primaryOptions(target, name, reconnects));
  return new Cluster(
    target.nodes.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: clientOptions(target, name),
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: (attempt) => reconnects.delayMs(attempt),
      // 0 turns these off: they would send again what may have been carried out.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      // Names are left to the resolver, so that certificates can be checked against them.
      dnsLookup: (hostname, callback) => callback(null, hostname),
    },
  );
}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The node of a Cluster that serves a slot now, or `undefined` while that is not known. */
export function ownerOf(cluster: Cluster, slot: number): NodeAddress | undefined {
  const key = cluster.slots[slot]?.[0];
  const colon = key?.lastIndexOf(':') ?? -1;
  if (key === undefined || colon === -1) return undefined;
  return { host: key.slice(0, colon), port: Number(key.slice(colon + 1)) };
}

/**
 * A client for a subscription; not connected yet.
 *
 * @param owner finds, in a Cluster, the node that serves the channel; asked at every connection attempt
 */
export function createSubscriberClient(
  target: RedisTarget,
  name: string,
  reconnects: Reconnects,
  owner: () => NodeAddress | undefined,
): Redis {
  const options = primaryOptions(target, name, reconnects);
  if (target.mode !== 'cluster') return new Redis(options);

  class OwnerConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
    }

    connect(): ReturnType<AbstractConnector['connect']> {
      const address = owner();
      if (address === undefined) return Promise.reject(new Error('the owner of the channel is not known'));
      this.stream = target.tls ? connectTls({ ...address }) : connectTcp({ ...address });
      this.stream.once('error', (error: Error) => (this.firstError = error));
      return Promise.resolve(this.stream);
    }
  }
  return new Redis({ ...options, Connector: OwnerConnector });
}
