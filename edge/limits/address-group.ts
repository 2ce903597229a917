import ipaddr from 'ipaddr.js';
import { parseAddress } from '../admission/trusted-proxies.ts';

/** What clients count by whose address nobody knows: their socket is gone already, or it has none. */
const UNKNOWN = 'unknown';

const BITS_PER_PART = 16;

/**
 * What a client counts by (redis: "Limits"): its IPv4 address, an IPv4-mapped one included, or the prefix of its IPv6 address,
 * since one user has a whole network of those.
 *
 * @param ipv6Prefix bits that are kept, 1 to 128
 */
export function addressGroup(address: string | undefined, ipv6Prefix: number): string {
  const parsed = address === undefined ? undefined : parseAddress(address);
  if (parsed === undefined) return UNKNOWN;
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const parts = parsed.parts.map((part, index) => {
    const kept = Math.min(Math.max(ipv6Prefix - index * BITS_PER_PART, 0), BITS_PER_PART);
    return part & (0xffff << (BITS_PER_PART - kept));
  });
  return `${new ipaddr.IPv6(parts).toString()}/${ipv6Prefix}`;
}
