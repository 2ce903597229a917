import { isUtf8 } from 'node:buffer';

const OPENING_BRACE = 0x7b;

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/**
 * How consumers tell JSON from brotli (client-protocol, "Frames to clients"): bytes that are valid UTF-8 and whose first
 * byte after white space is `{` are JSON, all else is brotli. It says nothing about whether the JSON parses.
 */
export function isJsonByConsumersRule(bytes: Buffer): boolean {
  let first = 0;
  while (isWhiteSpace(bytes[first])) first++;
  return bytes[first] === OPENING_BRACE && isUtf8(bytes);
}
