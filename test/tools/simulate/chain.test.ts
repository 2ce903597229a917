import assert from 'node:assert/strict';
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { readFlashblockHead } from '../../../shared/flashblock.ts';
import { MESSAGES_PER_BLOCK, SimulatedChain } from '../../../tools/simulate/chain.ts';

const seed = fc.nat();
const blockNumber = fc.integer({ min: 1, max: 2 ** 40 });
const index = fc.integer({ min: 0, max: MESSAGES_PER_BLOCK - 1 });

interface Flashblock {
  readonly payload_id: string;
  readonly index: number;
  readonly base?: Record<string, string>;
  readonly diff: Record<string, unknown> & { readonly transactions: string[]; readonly gas_used: string };
  readonly metadata: unknown;
}
const parse = (json: Buffer): Flashblock => JSON.parse(json.toString()) as Flashblock;

describe('SimulatedChain', () => {
  it('builds flashblocks that are read as standing where they were asked for, behind the message before', () => {
    fc.assert(
      fc.property(seed, blockNumber, index, (seed, blockNumber, index) => {
        const chain = new SimulatedChain({ seed });
        assert.deepEqual(readFlashblockHead(chain.message({ blockNumber, index })), {
          position: { blockNumber, index },
          payloadId: chain.payloadId(blockNumber),
          previous: index > 0 ? { blockNumber, index: index - 1 } : { blockNumber: blockNumber - 1, index: 10 },
        });
      }),
      { numRuns: 50 },
    );
  });

  it('builds the same bytes for a seed and position in whatever order they are asked for', () => {
    fc.assert(
      fc.property(seed, blockNumber, index, (seed, blockNumber, index) => {
        const chain = new SimulatedChain({ seed });
        const message = chain.message({ blockNumber, index });
        chain.message({ blockNumber: blockNumber + 1, index: 0 });
        assert.deepEqual(chain.message({ blockNumber, index }), message);
        assert.deepEqual(new SimulatedChain({ seed }).message({ blockNumber, index }), message);
        assert.notDeepEqual(new SimulatedChain({ seed: seed + 1 }).message({ blockNumber, index }), message);
      }),
      { numRuns: 20 },
    );
  });

  it('has the fields and only the metadata of a message on Base today', () => {
    const chain = new SimulatedChain({ seed: 3 });
    const first = parse(chain.message({ blockNumber: 50_400_000, index: 0 }));
    const second = parse(chain.message({ blockNumber: 50_400_000, index: 1 }));
    assert.deepEqual(Object.keys(first), ['payload_id', 'index', 'base', 'diff', 'metadata']);
    assert.deepEqual(Object.keys(second), ['payload_id', 'index', 'diff', 'metadata']);
    assert.deepEqual(Object.keys(second.diff), [
      'state_root',
      'receipts_root',
      'logs_bloom',
      'gas_used',
      'block_hash',
      'transactions',
      'withdrawals',
      'withdrawals_root',
      'blob_gas_used',
    ]);
    assert.equal(first.base?.['block_number'], `0x${(50_400_000).toString(16)}`);
    assert.match(first.payload_id, /^0x[0-9a-f]{16}$/);
    assert.deepEqual(second.metadata, { block_number: 50_400_000, prev_flashblock_id: '50400000-0' });
    assert.match(String(second.diff['logs_bloom']), /^0x[0-9a-f]{512}$/);
  });

  it('links blocks by their hashes', () => {
    const chain = new SimulatedChain({ seed: 3 });
    const last = parse(chain.message({ blockNumber: 99, index: MESSAGES_PER_BLOCK - 1 }));
    const next = parse(chain.message({ blockNumber: 100, index: 0 }));
    assert.equal(next.base?.['parent_hash'], last.diff['block_hash']);
  });

  it('grows gas and bloom from index to index', () => {
    const chain = new SimulatedChain({ seed: 3 });
    const block = Array.from({ length: MESSAGES_PER_BLOCK }, (_, index) =>
      parse(chain.message({ blockNumber: 100, index })),
    );
    for (const [at, { diff }] of block.entries()) {
      const before = block[at - 1]?.diff;
      if (before === undefined) continue;
      assert.ok(Number(diff.gas_used) > Number(before.gas_used));
      const bits = BigInt(String(before['logs_bloom']));
      assert.equal(bits & BigInt(String(diff['logs_bloom'])), bits);
    }
  });

  it('gives a rival builder the same blocks under another payload id', () => {
    const [own, rival] = [0, 1].map((variant) => new SimulatedChain({ seed: 3, variant }));
    assert.notEqual(own!.payloadId(100), rival!.payloadId(100));
    assert.equal(parse(rival!.message({ blockNumber: 100, index: 2 })).index, 2);
  });

  it('has messages in the sizes of Base: about 2 KB at index 0, then mostly 26 to 45 KB and at times up to 105 KB', () => {
    const chain = new SimulatedChain({ seed: 5 });
    let heavy = 0;
    for (let number = 0; number < 30 * MESSAGES_PER_BLOCK; number++) {
      const index = number % MESSAGES_PER_BLOCK;
      const { length } = chain.message({ blockNumber: 50_400_000 + (number - index) / MESSAGES_PER_BLOCK, index });
      if (index === 0) assert.ok(length > 1_900 && length < 2_300, `${length} bytes at index 0`);
      else if (length > 48_000) {
        heavy++;
        assert.ok(length > 80_000 && length < 105_000, `${length} bytes in a heavy message`);
      } else assert.ok(length > 25_500, `${length} bytes`);
    }
    assert.ok(heavy > 0 && heavy < 15, `${heavy} of 300 are heavy`);
  });

  it('compresses 4.5 to 7 times, as real messages do', () => {
    const chain = new SimulatedChain({ seed: 5 });
    let plain = 0;
    let compressed = 0;
    for (let index = 1; index < MESSAGES_PER_BLOCK; index++) {
      const message = chain.message({ blockNumber: 50_400_000, index });
      plain += message.length;
      compressed += brotliCompressSync(message, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }).length;
    }
    const ratio = plain / compressed;
    assert.ok(ratio > 4.5 && ratio < 7, `${ratio} times`);
  });

  it('carries well-formed EIP-1559 transactions behind a deposit', () => {
    const chain = new SimulatedChain({ seed: 5 });
    const deposits = parse(chain.message({ blockNumber: 50_400_000, index: 0 })).diff.transactions;
    assert.equal(deposits.length, 1);
    assert.equal(deposits[0]?.slice(0, 4), '0x7e');
    assert.equal(decodeList(deposits[0].slice(4)).length, 8);
    const { transactions } = parse(chain.message({ blockNumber: 50_400_000, index: 4 })).diff;
    assert.ok(transactions.length > 10 && transactions.length < 70, `${transactions.length} transactions`);
    for (const transaction of transactions) {
      assert.equal(transaction.slice(0, 4), '0x02');
      const fields = decodeList(transaction.slice(4));
      assert.equal(fields.length, 12);
      assert.equal(fields[0], '2105');
      assert.equal(fields[5]?.length, 40);
      for (const at of [0, 1, 2, 3, 4, 6, 9, 10, 11]) assert.doesNotMatch(fields[at] ?? '', /^00/, `field ${at}`);
    }
  });
});

/** Decodes one RLP list of byte strings strictly: minimal lengths, nothing left over. An inner list comes as its content. */
function decodeList(digits: string): string[] {
  const bytes = Buffer.from(digits, 'hex');
  assert.equal(bytes.toString('hex'), digits, 'not whole hex digits');
  const read = (offset: number): { from: number; to: number } => {
    const first = bytes.readUInt8(offset);
    if (first < 0x80) return { from: offset, to: offset + 1 };
    const short = first < 0xc0 ? 0x80 : 0xc0;
    if (first - short <= 55) {
      const end = offset + 1 + first - short;
      if (end === offset + 2 && short === 0x80)
        assert.ok(bytes.readUInt8(offset + 1) >= 0x80, 'one low byte with a prefix');
      return { from: offset + 1, to: end };
    }
    const lengthBytes = first - short - 55;
    const length = bytes.readUIntBE(offset + 1, lengthBytes);
    assert.ok(length > 55 && bytes.readUInt8(offset + 1) > 0, 'a length that is not minimal');
    return { from: offset + 1 + lengthBytes, to: offset + 1 + lengthBytes + length };
  };
  const list = read(0);
  assert.ok(bytes.readUInt8(0) >= 0xc0, 'no list');
  assert.equal(list.to, bytes.length, 'the list does not end where the bytes do');
  const fields: string[] = [];
  for (let offset = list.from; offset < list.to;) {
    const { from, to } = read(offset);
    assert.ok(to <= list.to, 'a field reaches past the list');
    fields.push(bytes.toString('hex', from, to));
    offset = to;
  }
  return fields;
}
