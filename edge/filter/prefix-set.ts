import { ADDRESS_BYTES } from './filter.ts';
import type { ScanForm } from './scan-form.ts';
import { SPREAD, wordAt } from './word.ts';

/** Bits of an empty set, as a power of two: 1 KB. */
const MIN_BITS_LOG2 = 13;
/** Bits per prefix at least: one in 16 other windows is taken for a prefix, which costs less than the cache misses of more bits. */
const BITS_PER_PREFIX = 16;
/** Where the last 4 bytes of an address begin. */
const TAIL = ADDRESS_BYTES - 4;

/**
 * The first 4 bytes of addresses, as a bitmap small enough for the processor's nearest cache: what is not in it is certainly
 * not there. The last 4 are in a second one, as well-known addresses begin with zeros, and calldata consists of zeros for the most part.
 * Nothing is ever taken out; the owner makes a new set when too much is of no use.
 */
export class PrefixSet {
  readonly #heads: Uint8Array;
  readonly #tails: Uint8Array;
  readonly #shift: number;
  #size = 0;

  /** @param expected addresses that it is to have room for */
  constructor(expected: number) {
    const log2 = Math.max(MIN_BITS_LOG2, Math.ceil(Math.log2(expected * BITS_PER_PREFIX)));
    this.#heads = new Uint8Array(2 ** (log2 - 3));
    this.#tails = new Uint8Array(this.#heads.length);
    this.#shift = 32 - log2;
  }

  /** No more should be added: too many windows would be taken for prefixes. */
  get full(): boolean {
    return this.#size * BITS_PER_PREFIX >= this.#heads.length * 8;
  }

  /** @param at where the address begins */
  add(bytes: Uint8Array, at: number): void {
    setBit(this.#heads, bitOf(wordAt(bytes, at), this.#shift));
    setBit(this.#tails, bitOf(wordAt(bytes, at + TAIL), this.#shift));
    this.#size += 1;
  }

  /**
   * Moves a window of 4 bytes over the transactions.
   *
   * @param candidate called with each place in {@link ScanForm.transactions} where one of the addresses may begin, and fits
   *   into its transaction
   */
  scan({ transactions, ends }: Pick<ScanForm, 'transactions' | 'ends'>, candidate: (at: number) => void): void {
    const heads = this.#heads;
    const tails = this.#tails;
    const shift = this.#shift;
    let at = 0;
    for (const end of ends) {
      const last = end - ADDRESS_BYTES;
      let window = wordAt(transactions, at) >>> 8;
      for (; at <= last; at += 1) {
        window = (window << 8) | (transactions[at + 3] ?? 0);
        if (hasBit(heads, bitOf(window, shift)) && hasBit(tails, bitOf(wordAt(transactions, at + TAIL), shift)))
          candidate(at);
      }
      at = end;
    }
  }
}

function bitOf(word: number, shift: number): number {
  return Math.imul(word, SPREAD) >>> shift;
}

function setBit(bits: Uint8Array, bit: number): void {
  bits[bit >>> 3] = (bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
}

function hasBit(bits: Uint8Array, bit: number): boolean {
  return ((bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) !== 0;
}
