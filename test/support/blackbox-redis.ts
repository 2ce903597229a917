import { openRedis, startRedisServer, uniquePrefix, type RedisServer } from './redis.ts';
import type { Settings } from './stack.ts';

/** A Redis for programs under test; others may use it too, so a prefix goes with it. */
export interface ProgramsRedis extends AsyncDisposable {
  readonly url: string;
  /** What keeps the programs of one test to themselves. */
  readonly settings: Settings;
}

/** Opens a Redis that need not survive anything. */
export async function openProgramsRedis(): Promise<ProgramsRedis> {
  const redis = await openRedis();
  return {
    url: redis.url,
    settings: { REDIS_KEY_PREFIX: uniquePrefix() },
    [Symbol.asyncDispose]: () => redis.close(),
  };
}

/** Starts a Redis that the test kills, restarts or cuts off. */
export async function startOwnRedis(): Promise<RedisServer & AsyncDisposable> {
  const server = await startRedisServer();
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}
