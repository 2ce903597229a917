import { strict as assert } from 'node:assert';
import { BlockEnd } from '../../../edge/front/block-end.ts';

/** Feeds positions such as `7-3`, 200 ms apart, and gives what the last one made of it. */
function after(...positions: readonly string[]): BlockEnd {
  const blockEnd = new BlockEnd();
  positions.forEach((text, n) => {
    const [blockNumber = 0, index = 0] = text.split('-').map(Number);
    blockEnd.add(text === 'none' ? undefined : { blockNumber, index }, n * 200);
  });
  return blockEnd;
}

describe('block end', () => {
  it('is not known in the first block', () => {
    assert.equal(after().reached, false);
    assert.equal(after('7-0', '7-1', '7-9').reached, false);
  });

  it('is reached at an index of at least the last of the block before', () => {
    const block = ['7-0', '7-1', '7-2'];
    assert.equal(after(...block, '8-0', '8-1').reached, false);
    assert.equal(after(...block, '8-0', '8-1', '8-2').reached, true);
    assert.equal(after(...block, '8-0', '8-1', '8-2', '8-3').reached, true);
    assert.equal(after(...block, '8-0', '8-1', '8-2', '9-0').reached, false);
  });

  it('stays reached over messages without a position', () => {
    assert.equal(after('7-0', '8-0', 'none').reached, true);
  });

  it('is unknown again after blocks that do not follow on each other', () => {
    assert.equal(after('7-0', '7-1', '9-0', '9-1').reached, false);
    assert.equal(after('7-0', '7-1', '3-0', '3-1').reached, false);
  });

  it('knows the block time from two blocks seen from their start', () => {
    assert.equal(after('7-0', '7-1').blockTimeMs, undefined);
    assert.equal(after('7-0', '7-1', '7-2', '8-0').blockTimeMs, 600);
    assert.equal(after('7-3', '7-4', '8-0').blockTimeMs, undefined);
    assert.equal(after('7-0', '7-1', '8-0', '20-0', '20-1').blockTimeMs, 400);
  });
});
