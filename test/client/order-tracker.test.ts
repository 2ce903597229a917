import assert from 'node:assert/strict';
import { OrderTracker } from '../../client/order-tracker.ts';
import type { FlashblockHead } from '../../shared/flashblock.ts';

const head = (blockNumber: number, index: number, more: Partial<FlashblockHead> = {}): FlashblockHead => ({
  position: { blockNumber, index },
  payloadId: `0x${blockNumber}`,
  ...more,
});

describe('OrderTracker', () => {
  it("sees the missing end of a block by what the builder says stood before the next block's index 0", () => {
    const tracker = new OrderTracker(false);
    tracker.take(head(5, 8));
    const previous = { blockNumber: 5, index: 10 };
    assert.deepEqual(tracker.take(head(6, 0, { previous })), {
      order: 'gap',
      expected: [{ blockNumber: 5, index: 9 }],
    });
    assert.equal(tracker.take(head(6, 1, { previous: { blockNumber: 6, index: 0 } })).order, 'next');
  });

  it('believes no absurd predecessor', () => {
    const tracker = new OrderTracker(false);
    tracker.take(head(5, 8));
    assert.equal(tracker.take(head(6, 0, { previous: { blockNumber: 900, index: 1 } })).order, 'next');
    assert.equal(tracker.take(head(6, 1, { previous: { blockNumber: 1, index: 1 } })).order, 'next');
  });

  it('says what was expected at a gap', () => {
    const tracker = new OrderTracker(false, { blockNumber: 5, index: 1 });
    const expected = [
      { blockNumber: 5, index: 2 },
      { blockNumber: 6, index: 0 },
    ];
    assert.deepEqual(tracker.take(head(5, 4)), { order: 'gap', expected });
    assert.equal(tracker.take(head(9, 0)).order, 'gap');
  });

  it('takes a second payload of the block for a restart, and its first again for late', () => {
    const tracker = new OrderTracker(false);
    for (const index of [0, 1, 2]) tracker.take(head(5, index));
    assert.equal(tracker.take(head(5, 0, { payloadId: '0xb' })).order, 'restart');
    assert.deepEqual(tracker.point, { blockNumber: 5, index: 0, payloadId: '0xb' });
    assert.equal(tracker.take(head(5, 0)).order, 'late');
  });

  it('resumes at the newest, not at what came late or again', () => {
    const tracker = new OrderTracker(false);
    for (const index of [0, 1, 2, 1, 2]) tracker.take(head(5, index));
    assert.deepEqual(tracker.point, { blockNumber: 5, index: 2, payloadId: '0x5' });
  });

  it('judges nothing of a filtered stream and resumes at the latest', () => {
    const tracker = new OrderTracker(true, { blockNumber: 1, index: 1 });
    assert.deepEqual(tracker.take(head(9, 3)), { order: 'unknown' });
    assert.deepEqual(tracker.point, { blockNumber: 9, index: 3, payloadId: '0x9' });
  });
});
