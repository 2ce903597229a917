/**
 * Raw transactions that look like Base's traffic to a compressor and to a parser: EIP-1559, well-formed RLP, the usual mix of
 * token transfers, swaps, authorizations and searchers' packed routes. Signatures are random and recover to nobody.
 */
import type { Random } from './random.ts';
import { encodeRlp, rlpNumber } from './rlp.ts';

/** The accounts and routes that recur on a chain, which is what makes its messages compress well. */
export interface Population {
  readonly accounts: readonly string[];
  readonly tokens: readonly string[];
  readonly routers: readonly string[];
  readonly searchers: readonly string[];
  /** Packed calldata of searchers: they send the same routes again and again with other amounts. */
  readonly routes: readonly string[];
  /** One step of an aggregator's path each: tokens, pool and fee as ABI words. */
  readonly hops: readonly string[];
}

const BASE_CHAIN_ID = '2105';
const USDC = '833589fcd6edb6e08f4c7c32d4f71b54bda02913';
const WETH = '4200000000000000000000000000000000000006';

const word = (digits: string): string => digits.padStart(64, '0');
const numberWord = (value: number): string => word(value.toString(16));

/** Draws a population; the same random sequence gives the same one. */
export function drawPopulation(random: Random): Population {
  const addresses = (count: number): string[] => Array.from({ length: count }, () => random.hex(20));
  const tokens = [USDC, WETH, ...addresses(48)];
  const routers = addresses(8);
  const hop = (): string =>
    [
      word(random.popular(tokens)),
      word(random.popular(tokens)),
      word(random.hex(20)),
      numberWord(random.popular([500, 3000, 100, 10_000])),
      numberWord(0),
    ].join('');
  return {
    accounts: addresses(400),
    tokens,
    routers,
    searchers: addresses(12),
    routes: Array.from({ length: 24 }, () => random.hex(random.between(60, 220))),
    hops: Array.from({ length: 48 }, hop),
  };
}

/** ABI `bytes`: its length, then the data filled up to whole words. */
const bytesArgument = (digits: string): string =>
  numberWord(digits.length / 2) + digits.padEnd(Math.ceil(digits.length / 64) * 64, '0');

interface Call {
  readonly to: string;
  readonly data: string;
  readonly gasLimit: number;
}
type CallKind = (random: Random, population: Population, deadline: number) => Call;

/** Amounts of people end in many decimal zeros, amounts of contracts do not. */
function amount(random: Random): string {
  return random.chance(0.6)
    ? (BigInt(random.between(1, 9999)) * 10n ** BigInt(random.between(4, 17))).toString(16)
    : random.hex(random.between(3, 8));
}

const transfer: CallKind = (random, { accounts, tokens }) => ({
  to: random.popular(tokens),
  data: `a9059cbb${word(random.popular(accounts))}${word(amount(random))}`,
  gasLimit: 84_000,
});

const swapTokens: CallKind = (random, { accounts, tokens, routers }, deadline) => ({
  to: random.popular(routers),
  data: [
    '38ed1739',
    word(amount(random)),
    word(amount(random)),
    numberWord(160),
    word(random.popular(accounts)),
    numberWord(deadline),
    numberWord(2),
    word(random.popular(tokens)),
    word(random.popular(tokens)),
  ].join(''),
  gasLimit: 220_000,
});

const transferWithAuthorization: CallKind = (random, { accounts }, deadline) => ({
  to: USDC,
  data: [
    'cf092995',
    word(random.popular(accounts)),
    word(random.popular(accounts)),
    word(amount(random)),
    numberWord(deadline - 600),
    numberWord(deadline),
    random.hex(32),
    numberWord(224),
    bytesArgument(`${random.hex(64)}1b`),
  ].join(''),
  gasLimit: 90_000,
});

const searcherRoute: CallKind = (random, { searchers, routes }) => ({
  to: random.popular(searchers),
  data: `0000000000000000${random.hex(8)}${random.popular(routes)}${random.hex(4)}`,
  gasLimit: 4_000_000,
});

/** An aggregator's swap over a few hops. */
const aggregatorSwap: CallKind = (random, { accounts, routers, hops }, deadline) => {
  const path = Array.from({ length: random.between(3, 7) }, () => random.popular(hops));
  return {
    to: random.popular(routers),
    data: [
      '3593564c',
      numberWord(96),
      numberWord(160),
      numberWord(deadline),
      word(random.popular(accounts)),
      word(amount(random)),
      word(amount(random)),
      numberWord(path.length),
      ...path,
      numberWord(0).repeat(3),
    ].join(''),
    gasLimit: 600_000,
  };
};

/** The kinds, each as often as it stands here. */
const KINDS: readonly CallKind[] = [
  ...Array<CallKind>(5).fill(transfer),
  ...Array<CallKind>(4).fill(searcherRoute),
  ...Array<CallKind>(4).fill(swapTokens),
  transferWithAuthorization,
  ...Array<CallKind>(5).fill(aggregatorSwap),
];

/**
 * One signed EIP-1559 transaction, type byte first, as `0x` and hex digits.
 *
 * @param timestamp the block's time in Unix seconds; deadlines in call data stand relative to it
 */
export function drawTransaction(random: Random, population: Population, timestamp: number): string {
  const kind = KINDS[random.between(0, KINDS.length - 1)] ?? transfer;
  const { to, data, gasLimit } = kind(random, population, timestamp + 1200);
  const tip = random.popular([1_000_000, 100_000, 2_000_000, 1_500_000]);
  const fields = encodeRlp([
    BASE_CHAIN_ID,
    rlpNumber(random.between(0, 60_000)),
    rlpNumber(tip),
    rlpNumber(tip + 25_000_000),
    rlpNumber(gasLimit),
    to,
    '',
    data,
    [],
    random.chance(0.5) ? '01' : '',
    // Neither part of a signature begins with a zero byte here, so that both stay canonical RLP integers.
    `a${random.hex(32).slice(1)}`,
    `5${random.hex(32).slice(1)}`,
  ]);
  return `0x02${fields}`;
}

/** The system transaction that opens every block of an OP-stack chain (type 0x7e), about 530 hex digits. */
export function drawDeposit(random: Random, blockNumber: number, timestamp: number): string {
  const attributes = [
    '3db6be2b',
    '000008dd00101c12',
    '0000000000000003',
    timestamp.toString(16).padStart(16, '0'),
    Math.floor(blockNumber / 6)
      .toString(16)
      .padStart(16, '0'),
    word(random.hex(4)),
    word(random.hex(4)),
    random.hex(32),
    word('5050f69a9786f081509234f1a7f4684b5e5b76c9'),
    '0'.repeat(24),
    '94',
  ].join('');
  const fields = encodeRlp([
    random.hex(32),
    'deaddeaddeaddeaddeaddeaddeaddeaddead0001',
    '4200000000000000000000000000000000000015',
    '',
    '',
    rlpNumber(1_000_000),
    '',
    attributes,
  ]);
  return `0x7e${fields}`;
}
