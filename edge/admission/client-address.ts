import { type TrustedProxies, isWithin, parseAddress, parsePeer } from './trusted-proxies.ts';

/** Of a request with many lines of the header, at most so many last entries are walked; real chains have under five. */
const MAX_HOPS = 32;

/**
 * The address that a client counts by (client-protocol and configuration: TRUSTED_PROXIES). The header is believed only
 * from a trusted peer and walked from the right over all its lines: each entry was added by the hop to its right, so the
 * first that is not trusted is the client; where all are, the leftmost is. An unreadable entry ends the walk at the hop
 * that added it.
 *
 * @param peer the socket's remote address; `undefined` when the socket is gone
 * @param headerLines the header's lines in their order
 * @returns normalised: IPv6 shortened, IPv4-mapped as IPv4
 */
export function clientAddress(
  peer: string | undefined,
  headerLines: readonly string[] | undefined,
  trusted: TrustedProxies,
): string | undefined {
  const peerAddress = peer === undefined ? undefined : parsePeer(peer);
  if (peerAddress === undefined || headerLines === undefined || headerLines.length === 0)
    return peerAddress?.toString();
  switch (trusted.mode) {
    case 'none':
      return peerAddress.toString();
    case 'all': {
      const last = parseAddress(headerLines.at(-1)?.split(',').at(-1) ?? '');
      return (last ?? peerAddress).toString();
    }
    case 'ranges': {
      let address = peerAddress;
      for (const entry of lastEntries(headerLines)) {
        if (!isWithin(address, trusted.ranges)) break;
        const next = parseAddress(entry);
        if (next === undefined) break;
        address = next;
      }
      return address.toString();
    }
  }
}

/** Entries of all lines from the right. */
function lastEntries(lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => line.split(','))
    .filter((entry) => entry.trim() !== '')
    .slice(-MAX_HOPS)
    .reverse();
}
