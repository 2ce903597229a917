import { isIPv4, isIPv6 } from 'node:net';
import { scalar, type Format } from '../format.ts';
import { isHostName, readPort } from './addresses.ts';

export type RedisMode = 'standalone' | 'sentinel' | 'cluster';

/** A Redis URL taken apart. */
export interface RedisTarget {
  /** What the URL's scheme says; `REDIS_MODE` may turn `standalone` into `cluster`. */
  readonly mode: RedisMode;
  readonly tls: boolean;
  /** Of the data nodes or, in `sentinel` mode, of the Sentinels. At least one. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly username?: string;
  readonly password?: string;
  /** Database number; 0 in `cluster` mode. */
  readonly database: number;
  /** Name of the primary that the Sentinels watch; present in `sentinel` mode alone. */
  readonly primaryName?: string;
  /** What the Sentinels themselves ask for; in `sentinel` mode alone. */
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
}

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/** Nodes of one URL; the rest of a cluster is discovered. */
const MAX_NODES = 32;

const REDIS_URL =
  /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#\s]*)@)?([^@/?#\s]+)(?:\/([^/@?#\s]*)(?:\/([^/@?#\s]*))?)?(?:\?([^@?#\s]*))?$/;

function readNode(text: string, defaultPort: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, v6, other, digits] = match;
  const port = digits === undefined ? defaultPort : readPort(digits);
  const host = v6 ?? other ?? '';
  const known = v6 === undefined ? isIPv4(host) || isRedisHostName(host) : isIPv6(host);
  return port === undefined || port === 0 || !known ? undefined : { host, port };
}

/** Host names of containers may hold underscores, which are no host names elsewhere. */
function isRedisHostName(text: string): boolean {
  return isHostName(text.replaceAll('_', '-'));
}

function readCredentials(userinfo: string | undefined): { username?: string; password?: string } | undefined {
  if (userinfo === undefined || userinfo === '') return {};
  const colon = userinfo.indexOf(':');
  try {
    const username = decodeURIComponent(colon === -1 ? userinfo : userinfo.slice(0, colon));
    const password = colon === -1 ? '' : decodeURIComponent(userinfo.slice(colon + 1));
    return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
  } catch {
    return undefined;
  }
}

/** The parameters of a URL of Sentinels, each once at most; in none `+` is a space. */
function readSentinelCredentials(
  query: string | undefined,
): Pick<RedisTarget, 'sentinelUsername' | 'sentinelPassword'> | undefined {
  const found: { sentinelUsername?: string; sentinelPassword?: string } = {};
  for (const parameter of query?.split('&') ?? []) {
    const [, name, value] = /^sentinel_(username|password)=(.+)$/.exec(parameter) ?? [];
    const key = name === 'username' ? 'sentinelUsername' : 'sentinelPassword';
    if (value === undefined || found[key] !== undefined) return undefined;
    try {
      found[key] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return found.sentinelUsername !== undefined && found.sentinelPassword === undefined ? undefined : found;
}

function readDatabase(text: string): number | undefined {
  return /^(?:|0|[1-9]\d{0,4})$/.test(text) ? Number(text) : undefined;
}

/**
 * Takes a Redis URL apart: `redis://user:password@host:port/database`, `redis+sentinel://h1,h2/name/database`,
 * `redis+cluster://h1,h2`, each with `rediss` for TLS. Ports may be left out (6379, Sentinels 26379). User and password are those
 * of the data nodes; Sentinels that want their own have them in the query, `?sentinel_username=u&sentinel_password=p`.
 *
 * @returns `undefined` when the text is none of these
 */
export function parseRedisUrl(text: string): RedisTarget | undefined {
  const match = REDIS_URL.exec(text);
  if (match === null) return undefined;
  const [, scheme, suffix, userinfo, hosts = '', first = '', second, query] = match;
  const mode: RedisMode = suffix === 'sentinel' || suffix === 'cluster' ? suffix : 'standalone';
  const nodes = hosts.split(',').map((node) => readNode(node, mode === 'sentinel' ? SENTINEL_PORT : REDIS_PORT));
  const credentials = readCredentials(userinfo);
  const database = readDatabase(mode === 'sentinel' ? (second ?? '') : first);
  if (!nodes.every((node) => node !== undefined) || nodes.length > MAX_NODES) return undefined;
  if (credentials === undefined || database === undefined) return undefined;
  const target = { mode, tls: scheme === 'rediss', nodes, ...credentials, database };
  if (mode === 'sentinel') {
    const ofSentinels = readSentinelCredentials(query);
    return ofSentinels !== undefined && /^[\w.-]{1,128}$/.test(first)
      ? { ...target, primaryName: first, ...ofSentinels }
      : undefined;
  }
  if (query !== undefined) return undefined;
  return second === undefined && (mode !== 'cluster' || database === 0) ? target : undefined;
}

/** A Redis URL as raw text: only what connects takes it apart, by {@link parseRedisUrl}. */
export const redisUrl: Format<string> = scalar({
  placeholder: 'URL',
  expected: 'redis://HOST:PORT, redis+sentinel://HOST,HOST/NAME or redis+cluster://HOST,HOST (rediss for TLS)',
  read: (text) => (parseRedisUrl(text) === undefined ? undefined : text),
});
