/** Which key a request presents (client-protocol: "HTTP and WebSocket routes"). */
import type { IncomingHttpHeaders } from 'node:http';
import type { Candidate } from '../admission/admission.ts';

/** `several`: two keys that differ, of which none is taken: the client's mistake shall show. */
export type PresentedKey =
  { readonly kind: 'none' } | { readonly kind: 'one'; readonly key: string | Buffer } | { readonly kind: 'several' };

const NONE: PresentedKey = { kind: 'none' };

/**
 * The key in the path, else the one in the headers: beside a key in the path headers mean what they mean to the proxies
 * before the edge, as with the reference.
 */
export function presentedKey({ key, headers }: Pick<Candidate, 'key' | 'headers'>): PresentedKey {
  if (key !== undefined) return { kind: 'one', key };
  const keys = headerKeys(headers);
  const [first] = keys;
  if (first === undefined) return NONE;
  if (keys.some((other) => other !== first)) return { kind: 'several' };
  // Node reads the bytes of a header as Latin-1; a key is the bytes that the client sent.
  return { kind: 'one', key: Buffer.from(first, 'latin1') };
}

/**
 * An empty value is a key too, a wrong one: a client whose key is not filled in is told so. Other schemes than Bearer are
 * no business of this edge: proxies pass on what was meant for them.
 */
function headerKeys(headers: IncomingHttpHeaders): string[] {
  const bearer = /^bearer(?: +(.*))?$/is.exec(headers.authorization ?? '');
  const apiKey = headers['x-api-key'];
  return [
    ...(bearer === null ? [] : [(bearer[1] ?? '').trim()]),
    ...(apiKey === undefined ? [] : [apiKey].flat().map((value) => value.trim())),
  ];
}
