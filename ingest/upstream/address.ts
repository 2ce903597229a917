import { unescape as percentDecode } from 'node:querystring';
import type { Position } from '../../shared/flashblock.ts';

/** Where an upstream is, with its secrets kept apart from what may be shown. */
export interface UpstreamAddress {
  /** `host:port#position`: for logs and metrics. Holds no userinfo, path or query. */
  readonly name: string;
  /** Basic authentication from the URI's userinfo, percent-decoded. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether resume parameters may be added: a URI that has its own keeps them. */
  readonly resumable: boolean;
  /**
   * The URL to dial, secrets in path and query included; never to be logged.
   *
   * @param after the last accepted position, asked for as `block_number` and `flashblock_index`
   */
  url(after?: Position): string;
}

/** An upstream's URI that cannot be dialled. The message names its place in the list and never its text. */
export class UpstreamAddressError extends Error {
  override readonly name = 'UpstreamAddressError';
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'ws:': '80', 'wss:': '443' };

function parse(uri: string, place: string): URL {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw new UpstreamAddressError(`upstream ${place} is not a URI`);
  }
  if (!(url.protocol in DEFAULT_PORTS))
    throw new UpstreamAddressError(`upstream ${place} is not a ws:// or wss:// URI`);
  if (url.hash !== '')
    throw new UpstreamAddressError(`upstream ${place} has a fragment, which a WebSocket cannot have`);
  return url;
}

function basicAuthentication(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  const credentials = `${percentDecode(url.username)}:${percentDecode(url.password)}`;
  return { authorization: `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}` };
}

/**
 * Takes an upstream's URI apart.
 *
 * @param position of the URI in UPSTREAM_WS, from 0
 * @throws UpstreamAddressError
 */
export function parseUpstreamAddress(uri: string, position: number): UpstreamAddress {
  const url = parse(uri, String(position));
  const headers = basicAuthentication(url);
  url.username = '';
  url.password = '';
  return {
    name: `${url.hostname}:${url.port || (DEFAULT_PORTS[url.protocol] ?? '')}#${String(position)}`,
    headers,
    resumable: !url.searchParams.has('block_number') && !url.searchParams.has('flashblock_index'),
    url(after) {
      if (after === undefined) return url.href;
      const resumed = new URL(url);
      const parameters = `block_number=${String(after.blockNumber)}&flashblock_index=${String(after.index)}`;
      resumed.search = url.search === '' ? parameters : `${url.search}&${parameters}`;
      return resumed.href;
    },
  };
}
