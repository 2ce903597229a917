import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { list, scalar, type Format } from '../format.ts';

/** Where a server listens. */
export interface ListenAddress {
  /** An IP address (IPv6 without brackets) or a host name. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/** A host name; digits and dots alone are an address or a mistake, not a name. */
export function isHostName(text: string): boolean {
  return HOST_NAME.test(text) && !/^[\d.]+$/.test(text);
}

/** @returns the port's number, 0 included, or `undefined` */
export function readPort(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** `host:port` or `[v6]:port`, both parts required. */
export const listenAddress: Format<ListenAddress> = scalar({
  placeholder: 'HOST:PORT',
  expected: 'an address and a port such as 0.0.0.0:8545 or [::]:8545',
  read: (text) => {
    const match = /^(?:\[([^[\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text);
    const port = readPort(match?.[3] ?? '');
    if (match === null || port === undefined) return undefined;
    const [, v6, other] = match;
    if (v6 !== undefined) return isIPv6(v6) && !v6.includes('%') ? { host: v6, port } : undefined;
    return other !== undefined && (isIPv4(other) || isHostName(other)) ? { host: other, port } : undefined;
  },
});

/** Names for ranges that an operator would else have to spell out. */
const RANGE_NAMES = ['loopback', 'private'];

/** These mean nothing beside others. */
const LONE_NAMES = ['none', 'all'];

/**
 * Canonical CIDR of an address or a CIDR, IPv4-mapped ones as IPv4. Bits set beyond the prefix are refused: they show a
 * mistaken prefix length.
 */
function readCidr(text: string): string | undefined {
  const [base = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0 || base.includes('%') || (!isIPv4(base) && !isIPv6(base))) return undefined;
  const width = isIPv4(base) ? 32 : 128;
  if (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const length = prefix === undefined ? width : Number(prefix);
  if (length > width) return undefined;
  const address = ipaddr.parse(base);
  const cidr = `${base}/${length}`;
  const network = width === 32 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  if (network.toString() !== address.toString()) return undefined;
  const mapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();
  return mapped ? `${address.toIPv4Address().toString()}/${length - 96}` : cidr;
}

/**
 * Whose address header is believed: CIDRs and the names `loopback` and `private`, or one of `none` and `all` alone. A
 * single address becomes the CIDR of that address.
 */
export const trustedProxies: Format<readonly string[]> = list({
  placeholder: 'CIDR,...',
  expected: 'CIDRs (no bits set beyond the prefix), loopback or private between commas, or none or all alone',
  // Each new connection is compared with the whole list.
  maxElements: 256,
  read: (elements) => {
    if (elements.some((element) => LONE_NAMES.includes(element))) return elements.length === 1 ? elements : undefined;
    const ranges = elements.map((element) => (RANGE_NAMES.includes(element) ? element : readCidr(element)));
    return ranges.every((range) => range !== undefined) && ranges.length > 0 ? ranges : undefined;
  },
});
