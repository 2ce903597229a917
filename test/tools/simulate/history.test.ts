import assert from 'node:assert/strict';
import { SentHistory } from '../../../tools/simulate/history.ts';

const payload = Buffer.from('x');

function historyOf(positions: readonly (string | undefined)[]): SentHistory {
  const history = new SentHistory();
  for (const position of positions) {
    const [blockNumber, index] = (position ?? '').split('-').map(Number);
    history.add({
      payload,
      binary: false,
      position: position === undefined ? undefined : { blockNumber: blockNumber!, index: index! },
    });
  }
  return history;
}

function behind(history: SentHistory, url: string): (string | undefined)[] {
  return history.behind(url).map(({ position }) => position && `${position.blockNumber}-${position.index}`);
}

describe('what a builder sent lately', () => {
  const history = historyOf(['5-9', '5-10', undefined, '6-0', '6-1', '6-0', '6-1', '6-2']);

  it('is given from behind the last frame of a position on', () => {
    assert.deepEqual(behind(history, '/?block_number=5&flashblock_index=10'), [
      undefined,
      '6-0',
      '6-1',
      '6-0',
      '6-1',
      '6-2',
    ]);
    assert.deepEqual(behind(history, '/?block_number=6&flashblock_index=1'), ['6-2']);
    assert.deepEqual(behind(history, '/x?a=b&flashblock_index=2&block_number=6'), []);
  });

  it('is all of later positions where the position is not there', () => {
    assert.deepEqual(behind(history, '/?block_number=5&flashblock_index=77'), ['6-0', '6-1', '6-0', '6-1', '6-2']);
  });

  it('is nothing without a whole position', () => {
    for (const url of [
      '/',
      '/ws?',
      '/?block_number=5',
      '/?flashblock_index=1',
      '/?block_number=x&flashblock_index=1',
      '/?block_number=-1&flashblock_index=1',
    ])
      assert.deepEqual(behind(history, url), [], url);
  });

  it('is bounded in frames and bytes', () => {
    const many = historyOf(Array.from({ length: 1000 }, (_, at) => `${at}-0`));
    assert.equal(many.size, 256);
    const large = new SentHistory();
    for (let at = 0; at < 70; at++)
      large.add({ payload: Buffer.alloc(1024 * 1024), binary: true, position: undefined });
    assert.equal(large.size, 64);
    large.add({ payload: Buffer.alloc(65 * 1024 * 1024), binary: true, position: undefined });
    assert.equal(large.size, 1);
  });
});
