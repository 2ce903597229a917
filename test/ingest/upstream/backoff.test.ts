import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Backoff } from '../../../ingest/upstream/backoff.ts';

describe('the back-off of an upstream', () => {
  it('doubles from 500 ms to the maximum, and begins anew when it is reset', () => {
    const backoff = new Backoff(20_000, () => 0.999_999_999);
    const waits = (): number[] => Array.from({ length: 8 }, () => Math.round(backoff.next()));
    assert.deepEqual(waits(), [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    backoff.reset();
    assert.deepEqual(waits().slice(0, 2), [500, 1000]);
  });

  it('draws each wait from the upper half of its range', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 40 }),
        (maxMs, draws) => {
          let draw = 0;
          const backoff = new Backoff(maxMs, () => draws[draw]!);
          for (; draw < draws.length; draw++) {
            const ceiling = Math.min(500 * 2 ** draw, maxMs);
            const wait = backoff.next();
            assert.ok(wait >= ceiling / 2 && wait < ceiling, `${wait} of ${ceiling}`);
          }
        },
      ),
    );
  });

  it('stays finite for as long as an upstream is away', () => {
    const backoff = new Backoff(20_000, () => 0.5);
    for (let attempt = 0; attempt < 5000; attempt++) backoff.next();
    assert.equal(backoff.next(), 15_000);
  });
});
