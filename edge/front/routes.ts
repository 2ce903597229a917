/** What a request's method and target ask for (client-protocol: "HTTP and WebSocket routes"). */
export type Route =
  | { readonly name: 'health' }
  | { readonly name: 'stream'; readonly query: URLSearchParams }
  | { readonly name: 'unknown' };

const UNKNOWN: Route = { name: 'unknown' };
const HEALTH: Route = { name: 'health' };

/** `/ws/{api_key}` is no route while there are no keys, as in the reference. */
const STREAM_PATHS: ReadonlySet<string> = new Set(['/ws', '/ws/filter']);

/**
 * @param method a HEAD counts as the GET it asks about
 * @param target as it stands in the request line: a path, or a whole URI as proxies send it
 */
export function routeOf(method: string | undefined, target: string | undefined): Route {
  if ((method !== 'GET' && method !== 'HEAD') || target === undefined) return UNKNOWN;
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const queryAt = local.indexOf('?');
  const path = queryAt < 0 ? local : local.slice(0, queryAt);
  if (path === '/healthz') return HEALTH;
  if (!STREAM_PATHS.has(path)) return UNKNOWN;
  return { name: 'stream', query: new URLSearchParams(queryAt < 0 ? '' : local.slice(queryAt + 1)) };
}
