/** What a request's method and target ask for (client-protocol: "HTTP and WebSocket routes"). */
export type Route =
  | { readonly name: 'health' }
  | { readonly name: 'stream'; readonly key: string | undefined; readonly query: URLSearchParams }
  | { readonly name: 'unknown' };

const UNKNOWN: Route = { name: 'unknown' };
const HEALTH: Route = { name: 'health' };

/** `/ws`, `/ws/filter`, `/ws/{key}` and `/ws/{key}/filter`. `filter` is the route first: it cannot be a key. */
const STREAM_PATH = /^\/ws(?:\/filter|\/([^/]+)(?:\/filter)?)?$/;

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
  const match = STREAM_PATH.exec(path);
  if (match === null) return UNKNOWN;
  const [, segment] = match;
  return {
    name: 'stream',
    key: segment === undefined ? undefined : decoded(segment),
    query: new URLSearchParams(queryAt < 0 ? '' : local.slice(queryAt + 1)),
  };
}

/** What is no percent-encoding stands for itself. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
