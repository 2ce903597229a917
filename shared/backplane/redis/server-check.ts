import type { RedisMode } from '../../config/formats/redis-url.ts';
import { UnfitServerError } from './errors.ts';

/** Oldest servers that can carry the stream, as [major, minor]: XTRIM and exclusive ranges; sharded channels. */
const OLDEST = [6, 2] as const;
const OLDEST_CLUSTER = [7, 0] as const;

/** What the server is; the fields of INFO. */
function readInfo(info: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of info.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/**
 * Checks that a server can carry the stream (redis: "What Redis does"). Valkey tells the version of Redis that it
 * stands in for.
 *
 * @param info its answer to INFO
 * @returns what an operator should be warned of
 * @throws UnfitServerError
 */
export function checkServer(info: string, mode: RedisMode): string[] {
  const fields = readInfo(info);
  const version = fields.get('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = mode === 'cluster' ? OLDEST_CLUSTER : OLDEST;
  if (!(major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))) {
    throw new UnfitServerError(
      `Redis ${version} is too old: ${mode} needs ${String(oldestMajor)}.${String(oldestMinor)} or newer`,
    );
  }
  if (fields.get('cluster_enabled') === '1' && mode !== 'cluster')
    throw new UnfitServerError('the server belongs to a Cluster: set REDIS_MODE to cluster');
  if (fields.get('cluster_enabled') === '0' && mode === 'cluster')
    throw new UnfitServerError('the server belongs to no Cluster: set REDIS_MODE to standalone or leave it out');

  const policy = fields.get('maxmemory_policy');
  return policy === undefined || policy === 'noeviction'
    ? []
    : [`maxmemory-policy is ${policy}: under memory pressure Redis would drop the stream; set it to noeviction`];
}

/** Whether the server still reads its data from disk. */
export function isLoading(info: string): boolean {
  return readInfo(info).get('loading') === '1';
}
