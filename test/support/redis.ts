/** The Redis of the tests: see `redis-finder.ts` for which one that is. */
import { randomBytes } from 'node:crypto';
import { CHOICE_VARIABLE, findRedis, type RedisChoice, type RedisOrigin } from './redis-finder.ts';
import { freePorts, openRedisHost } from './redis-host.ts';
import { RedisServer, type RedisServerOptions } from './redis-server.ts';

export { RedisCluster } from './redis-cluster.ts';
export { RedisSentinel } from './redis-sentinel.ts';
export { RedisServer } from './redis-server.ts';

let choice: Promise<RedisChoice> | undefined;

/** The choice of test/run.mjs; mocha run by itself makes its own. */
function redisChoice(): Promise<RedisChoice> {
  const handedOn = process.env[CHOICE_VARIABLE];
  choice ??=
    handedOn === undefined ? findRedis({ whole: false }) : Promise.resolve(JSON.parse(handedOn) as RedisChoice);
  return choice;
}

/** Where servers of a test's own come from; `undefined` where REDIS_URL is all there is. */
export async function redisOrigin(): Promise<RedisOrigin | undefined> {
  return (await redisChoice()).own;
}

/** Starts a server that the test alone uses, and must stop. */
export async function startRedisServer({ args = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const origin = await redisOrigin();
  if (origin === undefined) throw new Error('there is only REDIS_URL, and this test needs a Redis of its own');
  const [port = 0] = await freePorts(1);
  const server = new RedisServer(await openRedisHost(origin, [port]), port, args);
  await server.start();
  return server;
}

/** A Redis that others may use at the same time: keep to keys under {@link uniquePrefix}, and flush nothing. */
export interface SharedRedis {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens a Redis for a test file. */
export async function openRedis(): Promise<SharedRedis> {
  const { url } = await redisChoice();
  if (url !== undefined) return { url, close: () => Promise.resolve() };
  const server = await startRedisServer();
  return { url: server.url, close: () => server.stop() };
}

/** A REDIS_KEY_PREFIX that nobody else uses. */
export function uniquePrefix(): string {
  return `flashcast-test-${randomBytes(6).toString('hex')}`;
}
