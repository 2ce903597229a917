/** What RLP encodes: a byte string as hex digits without a prefix, or a list. */
export type RlpItem = string | readonly RlpItem[];

function lengthDigits(length: number): string {
  const digits = length.toString(16);
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

function prefix(length: number, short: number): string {
  if (length <= 55) return (short + length).toString(16).padStart(2, '0');
  const digits = lengthDigits(length);
  return (short + 55 + digits.length / 2).toString(16) + digits;
}

/** Encodes an item by Ethereum's recursive length prefix; hex digits in, hex digits out. */
export function encodeRlp(item: RlpItem): string {
  if (typeof item === 'string') {
    if (item.length === 2 && item < '80') return item;
    return prefix(item.length / 2, 0x80) + item;
  }
  const content = item.map(encodeRlp).join('');
  return prefix(content.length / 2, 0xc0) + content;
}

/** A number as RLP wants it: big-endian without leading zeros, and nothing at all for zero. */
export function rlpNumber(value: number): string {
  return value === 0 ? '' : lengthDigits(value);
}
