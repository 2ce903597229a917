/**
 * A chain to look at: flashblocks in the shape and size of Base's (upstream-and-stream, "What arrives from upstream"). A message is a
 * pure function of the seed, the block number and the index, so that two builders of one seed publish the same bytes and a
 * restarted one goes on where the chain is.
 */
import { PROFILES, type Profile, type ProfileName } from './profile.ts';
import { Random } from './random.ts';
import { drawReceipts } from './receipts.ts';
import { drawDeposit, drawPopulation, drawTransaction, type Population } from './transactions.ts';
import type { Position } from '../../shared/flashblock.ts';

/** Messages of one block: index 0 with the block's base, then ten with transactions. */
export const MESSAGES_PER_BLOCK = 11;
/** Unix milliseconds of block 0. */
export const GENESIS_MS = 1_686_789_347_000;
/** Of one block on Base. */
const BLOCK_MS = 2000;

/** How often a message carries a burst of transactions. */
const HEAVY_RATE = 0.01;
/** What a message has beside its transactions. */
const FRAME_BYTES = 1_100;

/** Words that name the different uses of randomness within one seed. */
const USE = { population: 1, block: 2, message: 3, hash: 4 };

export interface ChainOptions {
  /** Whole number; each seed is a chain of its own. */
  readonly seed: number;
  /** Whole number, default 0; another variant builds the same blocks under other payload ids, as a rival builder does. */
  readonly variant?: number;
  /** What messages weigh and carry; default `base`. */
  readonly profile?: ProfileName;
  /** Milliseconds from block to block, which the blocks' timestamps follow, in whole seconds; default Base's 2000. */
  readonly blockMs?: number;
}

/** What the indices of one block share. */
interface Block {
  readonly payloadId: string;
  readonly blooms: readonly string[];
  readonly gasUsed: readonly number[];
}

export class SimulatedChain {
  readonly #seed: number;
  readonly #variant: number;
  readonly #blockMs: number;
  readonly #population: Population;
  readonly #profile: Profile;
  #latest: { readonly number: number; readonly block: Block } | undefined;

  constructor(options: ChainOptions) {
    this.#seed = options.seed;
    this.#variant = options.variant ?? 0;
    this.#blockMs = options.blockMs ?? BLOCK_MS;
    this.#profile = PROFILES[options.profile ?? 'base'];
    this.#population = drawPopulation(this.#random(USE.population));
  }

  #random(use: number, ...parts: readonly number[]): Random {
    return new Random(this.#seed, use, ...parts);
  }

  /** Payload id of a block, as `0x` and 16 hex digits. */
  payloadId(blockNumber: number): string {
    return this.#block(blockNumber).payloadId;
  }

  /** The message at a position, as compact JSON in UTF-8. */
  message({ blockNumber, index }: Position): Buffer {
    const block = this.#block(blockNumber);
    const random = this.#random(USE.message, this.#variant, blockNumber, index);
    const timestamp = Math.round((GENESIS_MS + this.#blockMs * blockNumber) / 1000);
    const { low, high } = random.chance(HEAVY_RATE) ? this.#profile.heavy : this.#profile.usual;
    const bytes = random.between(low, high) - FRAME_BYTES;
    const receiptBytes = bytes * this.#profile.receipts;
    return Buffer.from(
      JSON.stringify({
        payload_id: block.payloadId,
        index,
        ...(index === 0 && { base: this.#base(random, blockNumber, timestamp) }),
        diff: {
          state_root: `0x${'0'.repeat(64)}`,
          receipts_root: `0x${random.hex(32)}`,
          logs_bloom: block.blooms[index] ?? `0x${'f'.repeat(512)}`,
          gas_used: `0x${(block.gasUsed[index] ?? 0).toString(16)}`,
          block_hash: this.#blockHash(blockNumber, index),
          transactions:
            index === 0
              ? [drawDeposit(random, blockNumber, timestamp)]
              : this.#transactions(random, timestamp, bytes - receiptBytes),
          withdrawals: [],
          withdrawals_root: `0x${random.hex(32)}`,
          blob_gas_used: '0x0',
        },
        metadata: {
          block_number: blockNumber,
          ...(receiptBytes > 0 && index > 0 && drawReceipts(random, this.#population, receiptBytes)),
          prev_flashblock_id:
            index === 0
              ? `${String(blockNumber - 1)}-${String(MESSAGES_PER_BLOCK - 1)}`
              : `${String(blockNumber)}-${String(index - 1)}`,
        },
      }),
    );
  }

  #base(random: Random, blockNumber: number, timestamp: number): Record<string, string> {
    return {
      parent_beacon_block_root: `0x${random.hex(32)}`,
      parent_hash: this.#blockHash(blockNumber - 1, MESSAGES_PER_BLOCK - 1),
      fee_recipient: '0x4200000000000000000000000000000000000011',
      prev_randao: `0x${random.hex(32)}`,
      block_number: `0x${blockNumber.toString(16)}`,
      gas_limit: '0x17d78400',
      timestamp: `0x${timestamp.toString(16)}`,
      extra_data: '0x01000000640000000500000000004c4b40',
      base_fee_per_gas: '0x4c4b40',
    };
  }

  #transactions(random: Random, timestamp: number, bytes: number): string[] {
    let left = bytes;
    const transactions: string[] = [];
    while (left > 0) {
      const transaction = drawTransaction(random, this.#population, timestamp);
      transactions.push(transaction);
      left -= transaction.length + 3;
    }
    return transactions;
  }

  #blockHash(blockNumber: number, index: number): string {
    return `0x${this.#random(USE.hash, this.#variant, blockNumber, index).hex(32)}`;
  }

  /** Bloom and gas grow from index to index; both are drawn for the whole block at its first message. */
  #block(number: number): Block {
    if (this.#latest?.number === number) return this.#latest.block;
    const random = this.#random(USE.block, this.#variant, number);
    const payloadId = `0x03${random.hex(7)}`;
    const bloom = new Uint32Array(64);
    const blooms = [`0x${'0'.repeat(512)}`];
    const gasUsed = [46_218];
    for (let index = 1; index < MESSAGES_PER_BLOCK; index++) {
      for (const at of bloom.keys()) bloom[at] = (bloom[at] ?? 0) | (random.word() & random.word());
      blooms.push(`0x${Array.from(bloom, (bits) => bits.toString(16).padStart(8, '0')).join('')}`);
      gasUsed.push((gasUsed.at(-1) ?? 0) + random.between(4_000_000, 14_000_000));
    }
    const block = { payloadId, blooms, gasUsed };
    this.#latest = { number, block };
    return block;
  }
}
