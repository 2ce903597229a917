import type { ResumePoint } from './message.ts';

const POSITION = ['block_number', 'flashblock_index', 'payload_id'] as const;
const FILTER = ['addresses', 'topics'] as const;

export interface Asked {
  readonly encoding?: 'br' | 'identity' | 'text';
  readonly snapshot: boolean;
  /** Where to go on: behind a flashblock, or with what is `live` now. Without it the URL's own position counts, or the snapshot. */
  readonly from: ResumePoint | 'live' | undefined;
}

/**
 * Reads the URL of a stream. It is never repeated in an error: it may hold a key.
 *
 * @throws TypeError when it is no ws:// or wss:// URL
 */
export function readStreamUrl(text: string | URL): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError('the URL cannot be read; expected ws://HOST:PORT/ws or wss://HOST/ws');
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new TypeError(`expected a ws:// or wss:// URL, received ${url.protocol}//`);
  if (url.hash !== '') throw new TypeError('a WebSocket URL has no fragment (#...)');
  return url;
}

/**
 * The URL of the next dial. The rest of the query stays as it was typed (commas stay commas: escaped they would take a part of the
 * room that a server has for a request); a position of the URL's own counts until there is a newer one.
 */
export function dialUrl(base: URL, { encoding, snapshot, from }: Asked): string {
  const point = from === 'live' ? undefined : from;
  const replaced = new Set<string>([
    ...(encoding === undefined ? [] : ['encoding']),
    ...(from === undefined ? [] : POSITION),
    ...(from === 'live' ? ['snapshot'] : []),
  ]);
  const kept = base.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !replaced.has(part.split('=', 1)[0] ?? ''));
  const own = [
    encoding !== undefined && `encoding=${encoding}`,
    from === undefined && snapshot && !base.searchParams.has('snapshot') && 'snapshot=block',
    point !== undefined && `block_number=${point.blockNumber}&flashblock_index=${point.index}`,
    point?.payloadId !== undefined && `payload_id=${encodeURIComponent(point.payloadId)}`,
  ].filter((part) => part !== false);
  const url = new URL(base);
  url.search = [...kept, ...own].join('&');
  return url.href;
}

/** Whether a stream's URL asks for a part of the stream. */
export function hasFilter({ searchParams }: URL): boolean {
  return FILTER.some((name) => (searchParams.get(name) ?? '').trim() !== '');
}
