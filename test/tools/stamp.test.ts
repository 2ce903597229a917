import assert from 'node:assert/strict';
import { SimulatedChain } from '../../tools/simulate/chain.ts';
import { monotonicMs, readStamp, stampMessage } from '../../tools/stamp.ts';
import { readFlashblockHead } from '../../shared/flashblock.ts';

describe('the stamp of a message', () => {
  it('stands in its metadata and changes nothing else', () => {
    const plain = new SimulatedChain({ seed: 2 }).message({ blockNumber: 5, index: 3 });
    const stamped = stampMessage(plain, 1234.5678);
    assert.equal(readStamp(stamped), 1234.568);
    const { metadata, ...rest } = JSON.parse(stamped.toString()) as { metadata: Record<string, unknown> };
    const { sent_monotonic_ms: sentAt, ...others } = metadata;
    assert.equal(sentAt, 1234.568);
    assert.deepEqual({ ...rest, metadata: others }, JSON.parse(plain.toString()));
    assert.deepEqual(readFlashblockHead(stamped), readFlashblockHead(plain));
  });

  it('is not there in messages of others', () => {
    assert.equal(readStamp(Buffer.from('{"metadata":{"sent_monotonic_ms":"1"}}')), undefined);
    assert.equal(readStamp(Buffer.from('[]')), undefined);
  });

  it('is not written into what is no message', () => {
    assert.equal(stampMessage(Buffer.from('{"a":1}'), 1).toString(), '{"a":1}');
  });

  it('is of a clock that all processes of a machine share', () => {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const now = monotonicMs();
    const after = Number(process.hrtime.bigint()) / 1e6;
    assert.ok(now > before - 0.1 && now < after + 0.1);
  });
});
