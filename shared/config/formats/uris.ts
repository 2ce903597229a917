import { list, scalar, type Format } from '../format.ts';

/** Whether userinfo can be turned into credentials without an error. */
function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isUri(text: string, protocols: readonly string[]): boolean {
  // The URL parser would silently strip or escape white space and control characters.
  // eslint-disable-next-line no-control-regex -- control characters are what must be absent
  if (/[\s\u0000-\u001f\u007f]/.test(text) || text.includes('#') || !URL.canParse(text)) return false;
  const url = new URL(text);
  // The parser would also take `ws:host`.
  const isComplete = text.toLowerCase().startsWith(`${url.protocol}//`);
  return (
    isComplete &&
    protocols.includes(url.protocol) &&
    url.hostname !== '' &&
    decodes(url.username) &&
    decodes(url.password)
  );
}

/** Upstreams dialled at once; each costs a connection and a share of every message's deduplication. */
const MAX_UPSTREAMS = 32;

/** Upstreams as raw URIs: only what dials them takes them apart. An empty text is an empty list. */
export const upstreamUris: Format<readonly string[]> = list({
  placeholder: 'URI,...',
  expected: 'ws:// or wss:// URIs between commas',
  maxElements: MAX_UPSTREAMS,
  read: (elements) => (elements.every((element) => isUri(element, ['ws:', 'wss:'])) ? elements : undefined),
});

/** An http(s) endpoint. */
export const httpUri: Format<string> = scalar({
  placeholder: 'URI',
  expected: 'an http:// or https:// URI',
  read: (text) => (isUri(text, ['http:', 'https:']) ? text : undefined),
});
