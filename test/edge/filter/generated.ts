/** Messages and filters for which matching is likely and near misses are too. */
import fc from 'fast-check';
import type { Wish } from './oracle.ts';

const hex = (byte: string, count: number) => byte.repeat(count);

/** Hex digits. Some begin or end alike, and some are what calldata is full of. */
const ADDRESSES = [
  hex('00', 20),
  `${hex('00', 19)}01`,
  `42${hex('00', 18)}06`,
  hex('ab', 20),
  `${hex('ab', 10)}cd${hex('ab', 9)}`,
  `abababab${hex('12', 16)}`,
  `${hex('12', 16)}abababab`,
  '000000000022d473030f116ddee9f6b43ac78ba3',
  '833589fcd6edb6e08f4c7c32d4f71b54bda02913',
];
const TOPICS = [
  hex('00', 32),
  `${hex('00', 12)}${ADDRESSES[3]!}`,
  `${hex('dd', 31)}ef`,
  `${hex('dd', 31)}ee`,
  `ee${hex('dd', 31)}`,
];

const address = fc.constantFrom(...ADDRESSES);
const topic = fc.constantFrom(...TOPICS);
const cut = fc.constantFrom(2, 8, 20, 38);

/** A piece of a transaction: an address, a part of one, zeros or anything. */
const piece = fc.oneof(
  address,
  fc.tuple(address, cut).map(([digits, at]) => digits.slice(0, at)),
  fc.tuple(address, cut).map(([digits, at]) => digits.slice(at)),
  fc.nat({ max: 40 }).map((count) => hex('00', count)),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes).toString('hex')),
);

const spelled = (digits: string, spelling: number): string =>
  ['0x', '0X'][spelling & 1]! + (spelling & 2 ? digits.toUpperCase() : digits);

/** Mostly right; else a digit short, with a digit that is none, or without its prefix. */
const transaction = fc.tuple(fc.array(piece, { maxLength: 5 }), fc.nat({ max: 15 })).map(([pieces, form]) => {
  const digits = pieces.join('');
  if (form === 12) return `0x${digits}a`;
  if (form === 13) return `0x${digits}zz`;
  if (form === 14) return digits;
  if (form === 15) return digits.length;
  return spelled(digits, form & 3);
});

const log = fc
  .tuple(
    fc.tuple(address, fc.nat({ max: 3 })),
    fc.array(fc.tuple(topic, fc.nat({ max: 3 })), { maxLength: 3 }),
    fc.nat({ max: 15 }),
  )
  .map(([[digits, spelling], topics, form]) => {
    if (form === 13) return [spelled(digits, spelling)];
    if (form === 14) return { address: digits, topics: topics.map(([text]) => text) };
    if (form === 15) return { address: 7, topics: `0x${TOPICS[0]!}` };
    return { address: spelled(digits, spelling), topics: topics.map(([text, how]) => spelled(text, how)) };
  });

const receipt = fc.tuple(fc.array(log, { maxLength: 2 }), fc.nat({ max: 7 })).map(([logs, form]) => {
  if (form === 5) return null;
  if (form === 6) return [{ logs }];
  if (form === 7) return { Eip1559: { inner: { logs } } };
  return form % 2 === 0 ? { type: '0x2', status: '0x1', logs } : { Eip1559: { status: '0x1', logs } };
});

const balances = fc
  .array(fc.tuple(address, fc.nat({ max: 3 })), { maxLength: 2 })
  .map((keys) => Object.fromEntries(keys.map(([digits, how]) => [spelled(digits, how), '0x0'])));

const receipts = fc
  .array(receipt, { maxLength: 2 })
  .map((list) => Object.fromEntries(list.map((value, at) => [`0x${at}`, value])));

const odd = fc.constantFrom(undefined, null, 7, 'text', [], [[]]);
const mostly = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: odd });

/** The plain content of a message. */
const message = fc
  .record({
    transactions: mostly(fc.array(transaction, { maxLength: 3 })),
    balances: mostly(balances),
    receipts: mostly(receipts),
  })
  .map((parts) =>
    Buffer.from(
      JSON.stringify({
        payload_id: '0x1',
        index: 1,
        diff: { transactions: parts.transactions },
        metadata: { block_number: 1, new_account_balances: parts.balances, receipts: parts.receipts },
      }),
    ),
  );

/** 20 bytes of what the message itself says, at any of its digits. */
function ownDigits(json: Buffer, at: number): string {
  const digits = json.toString().replace(/[^0-9a-fA-F]/g, '');
  const from = at % Math.max(digits.length - 40, 1);
  return digits.slice(from, from + 40).padEnd(40, '0');
}

const draft = fc.record({
  addresses: fc.array(address, { maxLength: 2 }),
  own: fc.array(fc.nat({ max: 2000 }), { maxLength: 1 }),
  topics: fc.array(topic, { maxLength: 2 }),
  mode: fc.constantFrom('any' as const, 'all' as const),
});

/** A message, and filters of at least one term each. */
export const situation = fc
  .tuple(message, fc.array(draft, { minLength: 1, maxLength: 4 }))
  .map(([json, drafts]): { json: Buffer; wishes: Wish[] } => ({
    json,
    wishes: drafts
      .map(({ addresses, own, topics, mode }) => ({
        addresses: [...addresses, ...own.map((at) => ownDigits(json, at))].map((digits) => `0x${digits}`),
        topics: topics.map((digits) => `0x${digits}`),
        mode,
      }))
      .filter(({ addresses, topics }) => addresses.length + topics.length > 0),
  }));
