import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

/** TRUSTED_PROXIES, read: nobody, everybody by the reference's rule, or the peers within some ranges. */
export type TrustedProxies =
  { readonly mode: 'none' } | { readonly mode: 'all' } | { readonly mode: 'ranges'; readonly ranges: readonly Range[] };

const NAMED_RANGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/**
 * Reads an address as it may stand in a header: `ip`, `ip:port`, `v6`, `[v6]`, `[v6]:port`. IPv4-mapped IPv6 becomes IPv4 and
 * a zone is dropped.
 *
 * @returns `undefined` for anything else; octal, hex and shortened IPv4 are no addresses here
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^\s*(?:\[([0-9a-fA-F:.]{2,45})(?:%[^\]\s]{1,32})?\](?::\d{1,5})?|([^[\]\s]{1,80}))\s*$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, bare = ''] = match;
  const address = bracketed ?? /^([0-9.]+):\d{1,5}$/.exec(bare)?.[1] ?? bare.replace(/%.*$/, '');
  if (bracketed === undefined && ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address);
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return undefined;
  const v6 = ipaddr.IPv6.parse(address);
  return v6.isIPv4MappedAddress() ? v6.toIPv4Address() : v6;
}

/** Most addresses of peers that are remembered; each takes some 300 bytes. */
export const MAX_KNOWN_PEERS = 1024;

/** Reads the addresses of sockets, and remembers the last ones: a balancer's comes with every connection. */
export class PeerAddresses {
  readonly #known = new Map<string, Address>();

  get size(): number {
    return this.#known.size;
  }

  /** @param text no part of a longer one, such as a header's line, which would be kept in memory with it */
  read(text: string): Address | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const address = parseAddress(text);
    if (address === undefined) return undefined;
    if (this.#known.size >= MAX_KNOWN_PEERS) this.#known.clear();
    this.#known.set(text, address);
    return address;
  }
}

const peers = new PeerAddresses();

/** Reads a socket's address. */
export function parsePeer(text: string): Address | undefined {
  return peers.read(text);
}

function parseRange(text: string): Range {
  const [base = '', bits, ...rest] = text.split('/');
  const mapped = /^::ffff:\d/i.test(base);
  const address = parseAddress(base);
  const width = address?.kind() === 'ipv4' ? 32 : 128;
  const length = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) - (mapped ? 96 : 0) : NaN;
  if (address === undefined || rest.length > 0 || !(length >= 0 && length <= width)) {
    throw new RangeError(`expected loopback, private, none, all, an address or a CIDR, received "${text}"`);
  }
  return [address, length];
}

/**
 * @param names the entries of TRUSTED_PROXIES; `none` and `all` stand alone
 * @throws RangeError that names the entry that is not understood
 */
export function parseTrustedProxies(names: readonly string[]): TrustedProxies {
  const entries = names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  for (const mode of ['none', 'all'] as const) {
    if (!entries.includes(mode)) continue;
    if (entries.length > 1) throw new RangeError(`"${mode}" stands alone`);
    return { mode };
  }
  const ranges = entries.flatMap((entry) => NAMED_RANGES.get(entry) ?? [entry]).map(parseRange);
  return ranges.length === 0 ? { mode: 'none' } : { mode: 'ranges', ranges };
}

/** Whether an address lies within one of the ranges. */
export function isWithin(address: Address, ranges: readonly Range[]): boolean {
  return ranges.some(([base, length]) => address.kind() === base.kind() && address.match(base, length));
}

/** Whether a peer is one whose word on a client's address is believed. */
export function isTrustedPeer(peer: string | undefined, trusted: TrustedProxies): boolean {
  if (trusted.mode !== 'ranges') return trusted.mode === 'all';
  const address = peer === undefined ? undefined : parsePeer(peer);
  return address !== undefined && isWithin(address, trusted.ranges);
}

/** One spelling of each address: IPv6 shortened, IPv4-mapped as IPv4, without a zone; `undefined` for what is none. */
export function normalAddress(address: string | undefined): string | undefined {
  return address === undefined ? undefined : parsePeer(address)?.toString();
}
