import ipaddr from 'ipaddr.js';

/**
 * What limits count as one client: an IPv4 address, or the network that an IPv6 address lies in (IPV6_PREFIX), as one customer has
 * that many addresses at hand.
 *
 * @param address normalised, as `clientAddress` returns it
 * @param ipv6Prefix 1 to 128 bits
 */
export function clientNetwork(address: string, ipv6Prefix: number): string {
  if (!address.includes(':') || ipv6Prefix === 128) return address;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${ipv6Prefix}`).toString()}/${ipv6Prefix}`;
}
