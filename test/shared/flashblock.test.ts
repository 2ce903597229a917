import assert from 'node:assert/strict';
import fc from 'fast-check';
import { comparePositions, readFlashblockHead } from '../../shared/flashblock.ts';
import { capturedSamples, generatedSamples, oddSamples } from '../support/fixtures.ts';

/** The head of a message that is a flashblock but for the changes. */
function headWith(changes: Record<string, unknown>): ReturnType<typeof readFlashblockHead> {
  const message = { payload_id: '0x03f4dcea174d9df1', index: 3, diff: {}, metadata: { block_number: 5 }, ...changes };
  return readFlashblockHead(Buffer.from(JSON.stringify(message)));
}

describe('reading the head of a flashblock', () => {
  it('finds position, payload id and predecessor', () => {
    const head = headWith({ metadata: { block_number: 5, prev_flashblock_id: '5-2' } });
    assert.deepEqual(head, {
      position: { blockNumber: 5, index: 3 },
      payloadId: '0x03f4dcea174d9df1',
      previous: { blockNumber: 5, index: 2 },
    });
    assert.deepEqual(headWith({}), { position: { blockNumber: 5, index: 3 }, payloadId: '0x03f4dcea174d9df1' });
  });

  it('finds the position that the name of a captured message tells', () => {
    for (const { name, content } of capturedSamples()) {
      const position = /-(\d+)-(\d+)\.json$/.exec(name) ?? /^generated (\d+)-(\d+)$/.exec(name);
      if (position === null) continue;
      const expected = { blockNumber: Number(position[1]), index: Number(position[2]) };
      assert.deepEqual(readFlashblockHead(content)?.position, expected, name);
    }
  });

  it('reads every generated message, each the predecessor of the next', () => {
    const heads = generatedSamples(60).map(({ content }) => readFlashblockHead(content));
    assert.deepEqual(
      heads.map((head) => head?.position),
      Array.from({ length: 11 }, (_, index) => ({ blockNumber: 60, index })),
    );
  });

  it('takes odd messages for no flashblocks', () => {
    for (const { name, content } of oddSamples()) assert.equal(readFlashblockHead(content), undefined, name);
  });

  it('accepts numbers at their bounds and none beyond', () => {
    assert.ok(headWith({ index: 0 }) && headWith({ index: 65_535 }));
    assert.ok(headWith({ metadata: { block_number: 0 } }));
    assert.ok(headWith({ metadata: { block_number: Number.MAX_SAFE_INTEGER } }));
    for (const index of [-1, 65_536, 1.5, '3', null, true]) assert.equal(headWith({ index }), undefined, String(index));
    for (const block_number of [-1, 2 ** 53, 0.5, '0x5', null]) {
      assert.equal(headWith({ metadata: { block_number } }), undefined, String(block_number));
    }
  });

  it('needs a payload id of 1 to 128 characters', () => {
    assert.ok(headWith({ payload_id: 'x' }) && headWith({ payload_id: 'x'.repeat(128) }));
    for (const payload_id of ['', 'x'.repeat(129), 5, null, ['x']]) assert.equal(headWith({ payload_id }), undefined);
  });

  it('overlooks a predecessor that is not well-formed', () => {
    for (const previous of ['5', '5-', '-2', '5-2-1', 'x5-2', '5-65536', '9007199254740992-1', '0x5-2', 5, null, {}]) {
      const head = headWith({ metadata: { block_number: 5, prev_flashblock_id: previous } });
      assert.ok(head, JSON.stringify(previous));
      assert.equal(head.previous, undefined, JSON.stringify(previous));
    }
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          readFlashblockHead(Buffer.from(bytes));
        },
      ),
    );
    const values = fc.oneof(fc.jsonValue(), fc.integer(), fc.constant('5-2'));
    const message = fc.record(
      { payload_id: fc.string(), index: values, metadata: fc.record({ block_number: values }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(message, (changes) => {
        const position = headWith(changes)?.position;
        assert.ok(position === undefined || (position.index >= 0 && position.index <= 65_535));
      }),
    );
  });

  it('survives nesting that is deeper than any stack', () => {
    const depth = 1_000_000;
    const nested = `{"payload_id":"x","a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    assert.equal(readFlashblockHead(Buffer.from(nested)), undefined);
  });
});

describe('comparing positions', () => {
  it('orders by block, then by index, as tuples are ordered', () => {
    const position = fc.record({ blockNumber: fc.nat(3), index: fc.nat(3) });
    fc.assert(
      fc.property(position, position, (a, b) => {
        const expected = Math.sign(a.blockNumber * 10 + a.index - (b.blockNumber * 10 + b.index));
        assert.equal(Math.sign(comparePositions(a, b)), expected);
      }),
    );
  });
});
