/**
 * The PROXY protocol's header, versions 1 (text) and 2 (binary): what a TCP load balancer says of a connection before its first
 * byte. Pure. The rules are those of HAProxy's specification (proxy-protocol.txt).
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What the first bytes of a connection are. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  /** No header, one that breaks the rules, or one that is too long. */
  | { readonly kind: 'invalid' }
  | {
      readonly kind: 'header';
      /** Bytes that it takes; what follows is the client's. */
      readonly length: number;
      /** The client's address; `undefined` where the balancer speaks for itself (LOCAL) or knows none (UNKNOWN, AF_UNIX). */
      readonly address: string | undefined;
    };

/** Bytes of a header of version 2 with all that it may carry (configuration: PROXY_PROTOCOL). */
export const MAX_PROXY_HEADER_BYTES = 4096;

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const INVALID: ProxyHeader = { kind: 'invalid' };

const V1_START = Buffer.from('PROXY ', 'latin1');
/** "The maximum line lengths the receiver must support", the line's end included. */
const V1_MAX_BYTES = 107;
const V1_PORT = /^(?:0|[1-9]\d{0,4})$/;

const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const V2_FIXED_BYTES = 16;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const AF_UNSPEC = 0;
const AF_INET = 1;
const AF_INET6 = 2;
const AF_UNIX = 3;
const STREAM = 1;
/** Bytes of the two addresses and ports of each family. */
const V2_ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [AF_UNSPEC, 0],
  [AF_INET, 12],
  [AF_INET6, 36],
  [AF_UNIX, 216],
]);

/** @param bytes the connection's first bytes, as far as they have come */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? INCOMPLETE : parseV2(bytes);
  if (startsAlike(bytes, V1_START)) return parseV1(bytes);
  return INVALID;
}

/** Whether the bytes begin with the start, or are themselves the beginning of it. */
function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function parseV1(bytes: Buffer): ProxyHeader {
  const line = bytes.subarray(0, V1_MAX_BYTES);
  const end = line.indexOf('\r\n');
  if (end < 0) return line.length < V1_MAX_BYTES ? INCOMPLETE : INVALID;
  const length = end + 2;
  const [, protocol, source = '', target = '', ...ports] = line.toString('latin1', 0, end).split(' ');
  // What stands behind UNKNOWN is to be ignored.
  if (protocol === 'UNKNOWN') return { kind: 'header', length, address: undefined };
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isIPv6 : undefined;
  if (isAddress?.(source) !== true || !isAddress(target) || source.includes('%')) return INVALID;
  if (ports.length !== 2 || !ports.every((port) => V1_PORT.test(port) && Number(port) <= 65_535)) return INVALID;
  return { kind: 'header', length, address: source };
}

function parseV2(bytes: Buffer): ProxyHeader {
  const command = bytes.readUInt8(12);
  const [family, protocol] = [bytes.readUInt8(13) >> 4, bytes.readUInt8(13) & 0x0f];
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command !== V2_LOCAL && command !== V2_PROXY) return INVALID;
  if (length > MAX_PROXY_HEADER_BYTES) return INVALID;
  const addressBytes = V2_ADDRESS_BYTES.get(family);
  // A balancer's own connection says nothing that has to be understood.
  if (command === V2_PROXY && (addressBytes === undefined || length < V2_FIXED_BYTES + addressBytes)) return INVALID;
  if (command === V2_PROXY && (family === AF_INET || family === AF_INET6) && protocol !== STREAM) return INVALID;
  if (bytes.length < length) return INCOMPLETE;
  const addressed = command === V2_PROXY && (family === AF_INET || family === AF_INET6);
  const source = bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + (family === AF_INET ? 4 : 16));
  return { kind: 'header', length, address: addressed ? ipaddr.fromByteArray([...source]).toString() : undefined };
}
