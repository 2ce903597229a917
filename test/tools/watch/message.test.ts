import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import { contentHashOf } from '../../../shared/envelope.ts';
import { SimulatedChain } from '../../../tools/simulate/chain.ts';
import { readMessage } from '../../../tools/watch/message.ts';
import { oddSamples } from '../../support/fixtures.ts';

describe('readMessage', () => {
  const chain = new SimulatedChain({ seed: 2 });
  const json = chain.message({ blockNumber: 900, index: 0 });
  const flashblock = {
    head: {
      position: { blockNumber: 900, index: 0 },
      payloadId: chain.payloadId(900),
      previous: { blockNumber: 899, index: 10 },
    },
    transactions: 1,
    contentHash: contentHashOf(json),
  };
  const brotli = brotliCompressSync(json);

  it('reads a flashblock in each encoding', () => {
    const plainBytes = json.length;
    assert.deepEqual(readMessage(json, false), { encoding: 'text', wireBytes: plainBytes, plainBytes, flashblock });
    assert.deepEqual(readMessage(json, true), { encoding: 'identity', wireBytes: plainBytes, plainBytes, flashblock });
    assert.deepEqual(readMessage(brotli, true), { encoding: 'br', wireBytes: brotli.length, plainBytes, flashblock });
  });

  it('finds no flashblock in the other shapes of the wire, and tells JSON from unknown Binary', () => {
    for (const { name, content, binaryOnly } of oddSamples()) {
      const message = readMessage(content, true);
      assert.equal(message.flashblock, undefined, name);
      assert.equal(message.encoding, binaryOnly ? 'raw' : 'identity', name);
      assert.equal(message.plainBytes, content.length);
    }
  });

  it('counts no transactions where the diff has none', () => {
    for (const diff of ['null', '{}', '{"transactions":7}', '3']) {
      const text = `{"payload_id":"0x1","index":0,"diff":${diff},"metadata":{"block_number":3}}`;
      assert.equal(readMessage(Buffer.from(text), false).flashblock?.transactions, 0, diff);
    }
  });

  it('does not inflate a brotli bomb', () => {
    const bomb = brotliCompressSync(Buffer.alloc(65 * 1024 * 1024, '{'));
    assert.equal(readMessage(bomb, true).encoding, 'raw');
  });
});
