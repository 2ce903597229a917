import assert from 'node:assert/strict';
import { decodeFrame } from '../../../client/decode.ts';
import type { StreamMessage } from '../../../client/message.ts';
import { FactsReader } from '../../../tools/watch/facts.ts';
import { stampMessage } from '../../../tools/stamp.ts';

const BLOCK_TIME = 1_700_000_000;

function message(json: object | Buffer, atMs = BLOCK_TIME * 1000): StreamMessage {
  const bytes = Buffer.isBuffer(json) ? json : Buffer.from(JSON.stringify(json));
  const frame = { isText: true, bytes };
  const { flashblock, ...decoded } = decodeFrame(frame, undefined, 1 << 20);
  const received = { frame, ...decoded, receivedAtMs: atMs, receivedAtMonotonicMs: performance.now() };
  if (flashblock === undefined) return { ...received, kind: 'other' };
  const { position, payloadId } = flashblock;
  return { ...received, kind: 'flashblock', position, payloadId, order: 'next', flashblock: flashblock.json };
}

function flashblock(index: number, more: object = {}): object {
  return { payload_id: '0x1', index, ...more, metadata: { block_number: 3 } };
}

describe('FactsReader', () => {
  it('reads transactions and gas, and neither where there is none', () => {
    const reader = new FactsReader();
    const full = reader.read(message(flashblock(1, { diff: { transactions: ['0x1', '0x2'], gas_used: '0xb48a' } })));
    assert.deepEqual([full.flashblock?.transactions, full.flashblock?.gasUsed], [2, 46_218]);
    for (const diff of [null, {}, 3, 'x', { transactions: 7, gas_used: 5 }, { gas_used: '0xfffffffffffffffff' }]) {
      const none = reader.read(message(flashblock(1, { diff })));
      assert.deepEqual([none.flashblock?.transactions, none.flashblock?.gasUsed], [0, undefined], JSON.stringify(diff));
    }
  });

  it("knows the time since a block's own from its index 0 on, where it is a live one", () => {
    const reader = new FactsReader();
    const base = { base: { timestamp: `0x${BLOCK_TIME.toString(16)}` } };
    const since = (json: object, offsetMs: number): number | undefined =>
      reader.read(message(json, BLOCK_TIME * 1000 + offsetMs)).flashblock?.sinceBlockMs;
    assert.equal(since(flashblock(1), 0), undefined);
    assert.equal(since(flashblock(0, base), -1900), -1900);
    assert.equal(since(flashblock(1), -1700), -1700);
    assert.equal(since({ ...flashblock(2), payload_id: '0x2' }, -1500), undefined, 'of another payload');
    assert.equal(since(flashblock(3), 3_600_000), undefined, 'an old recording');
  });

  it("knows the latency by a builder's stamp of the same clock", () => {
    const plain = Buffer.from(JSON.stringify(flashblock(1)));
    const clock = (): number => performance.now() + 5000;
    const reader = new FactsReader(clock);
    const { latencyMs } = reader.read(message(stampMessage(plain, clock() - 40))).flashblock!;
    assert.ok(latencyMs! >= 39 && latencyMs! < 10_000, String(latencyMs));
    assert.equal(
      reader.read(message(stampMessage(plain, 1e12))).flashblock?.latencyMs,
      undefined,
      'of another machine',
    );
  });

  it('gives the interval from the second message on', () => {
    const reader = new FactsReader();
    assert.equal(reader.read(message({ n: 1 })).intervalMs, undefined);
    const { intervalMs, flashblock: none } = reader.read(message({ n: 2 }));
    assert.ok(intervalMs! >= 0);
    assert.equal(none, undefined);
  });
});
