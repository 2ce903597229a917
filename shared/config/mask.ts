/** Stands in the place of a secret. */
const MASK = '***';

const URI =
  /^(wss?|https?|rediss?(?:\+sentinel|\+cluster)?):\/\/(?:([^@/?#\s]*)@)?([\w.,:[\]-]+)(\/[^@?#\s]*)?(?:\?([^@#\s]*))?$/;

/** Paths that tell a route or a database, never a key. */
const OPEN_PATH = /^\/(?:ws|\d{1,5})?$/;

/**
 * A URI as it may be shown: scheme, hosts and ports stay; credentials, paths that may hold a key, and query values are
 * masked. What does not read as a URI for certain (an `@` in a wrong place, an unknown scheme) is masked whole.
 */
export function maskUri(text: string): string {
  const match = URI.exec(text);
  if (match === null) return MASK;
  const [, scheme = '', userinfo, hosts = '', path = '', query] = match;
  const openPath = OPEN_PATH.test(path) || path === '' || scheme.endsWith('+sentinel');
  return [
    `${scheme}://`,
    userinfo === undefined ? '' : `${MASK}@`,
    hosts,
    openPath ? path : `/${MASK}`,
    query === undefined ? '' : `?${query.split('&').map(maskParameter).join('&')}`,
  ].join('');
}

function maskParameter(parameter: string): string {
  const name = /^([\w-]{1,32})=/.exec(parameter)?.[1];
  return name === undefined ? MASK : `${name}=${MASK}`;
}

/** Longest part of a value that is shown: enough to recognise it. */
const MAX_SHOWN = 80;

/** A text within quotes, cut, with everything that could disturb a terminal or a log line escaped. */
export function quote(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return JSON.stringify(cut).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A value of a setting as it may be shown. A URI is masked wherever it stands: it may be a secret in a wrong place. */
export function showValue(text: string, secret: boolean): string {
  return secret || text.includes('://') ? maskUri(text) : quote(text);
}
