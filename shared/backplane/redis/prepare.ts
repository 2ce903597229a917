import type { RedisMode } from '../../config/formats/redis-url.ts';
import type { RedisClient } from './connect.ts';
import { isReplyError, reasonOf } from './errors.ts';
import type { AbsentKey } from './keys.ts';
import type { LimitedLog } from './limited-log.ts';
import { checkServer, isLoading } from './server-check.ts';

/** Asks the node that holds the keys, in a Cluster too, for a sign of life. */
export function signOfLife(client: RedisClient, keys: AbsentKey): Promise<number> {
  return client.exists(keys.absent);
}

/**
 * Asks whether a write would be taken: an entry for a stream that does not exist and is not to be made changes nothing,
 * and is refused like every write while Redis is out of memory, a replica, short of replicas, or cannot save.
 */
export function askToWrite(client: RedisClient, keys: AbsentKey): Promise<unknown> {
  return client.xadd(keys.absent, 'NOMKSTREAM', '*', 'asked', '');
}

/**
 * Finds out whether the server at the other end of a fresh connection can carry the stream. Everything is asked at once,
 * so that a slow Redis needs one round trip; what INFO tells comes first, as it says best what is wrong.
 *
 * @param more what else must work
 * @throws UnfitServerError when it cannot
 */
export async function prepareCommands(
  client: RedisClient,
  keys: AbsentKey,
  mode: RedisMode,
  log: LimitedLog,
  more: () => Promise<unknown>,
): Promise<void> {
  // First in a Cluster, where it makes the connection to the node that holds the stream.
  if (mode === 'cluster') await signOfLife(client, keys);
  const answer = fetchInfo(client, log);
  const asked = more();
  asked.catch(() => undefined);
  const info = await answer;
  if (info !== undefined) {
    if (isLoading(info)) throw new Error('Redis still loads its data');
    for (const warning of checkServer(info, mode)) log.warn({}, warning);
  }
  await asked;
}

/** INFO, or `undefined` where the access list forbids it: the check is then the operator's. */
async function fetchInfo(client: RedisClient, log: LimitedLog): Promise<string | undefined> {
  try {
    return await client.info();
  } catch (error) {
    if (!isReplyError(error) || !error.message.startsWith('NOPERM')) throw error;
    log.warn({ reason: reasonOf(error) }, 'Redis version and maxmemory-policy cannot be checked');
    return undefined;
  }
}
