import { strict as assert } from 'node:assert';
import { ClosingLimit, STRETCH_MS } from '../../../edge/front/closing-limit.ts';

describe('closing limit', () => {
  it('has room for so many in a stretch, and again when they are a stretch ago', () => {
    const limit = new ClosingLimit(10);
    limit.closed(4, 1000);
    limit.closed(6, 1500);
    assert.equal(limit.room(1000 + STRETCH_MS - 1), 0);
    assert.equal(limit.room(1000 + STRETCH_MS), 4);
    assert.equal(limit.room(1500 + STRETCH_MS), 10);
  });

  it('has no room where more were closed than it allows', () => {
    const limit = new ClosingLimit(1);
    limit.closed(5, 0);
    assert.equal(limit.room(1), 0);
  });
});
