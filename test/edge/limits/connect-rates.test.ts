import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ConnectRates } from '../../../edge/limits/connect-rates.ts';
import { gcra } from '../../../edge/limits/gcra.ts';

describe('the rate of an address', () => {
  it('never lets more through in any time than the burst and what the rate adds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 100 }),
        (interval, burst, pauses) => {
          let [now, due] = [100, 0];
          const passed: number[] = [];
          for (const pause of pauses) {
            now += pause;
            const verdict = gcra({ interval, burst }, due, now);
            if (!verdict.allowed) {
              // It says when the next one passes, to the moment.
              assert.ok(verdict.retryAfter > 0 && verdict.retryAfter <= interval);
              assert.ok(gcra({ interval, burst }, due, now + verdict.retryAfter).allowed);
              assert.ok(!gcra({ interval, burst }, due, now + verdict.retryAfter - 0.5).allowed);
              continue;
            }
            due = verdict.due;
            passed.push(now);
            for (const [index, from] of passed.entries())
              assert.ok(passed.length - index <= burst + (now - from) / interval);
          }
        },
      ),
    );
  });

  it('does not lock anybody out for longer than one interval when the clock is set back', () => {
    const rate = { interval: 10, burst: 5 };
    const verdict = gcra(rate, 1_000_000, 100);
    assert.ok(!verdict.allowed);
    assert.equal(verdict.retryAfter, 10);
  });

  it('is apart from that of other addresses, and off where it is 0', () => {
    const rates = new ConnectRates(10, 2);
    assert.deepEqual(
      ['a', 'a', 'b', 'a', 'b', 'b'].map((address) => rates.take(address, 0)),
      [undefined, undefined, undefined, 100, undefined, 100],
    );
    assert.equal(rates.take('a', 100), undefined);
    const off = new ConnectRates(0, 1);
    for (let count = 0; count < 100; count += 1) assert.equal(off.take('a', 0), undefined);
    assert.equal(off.size, 0);
  });

  it('is remembered for no more addresses than the bound, the newest, and for no longer than it matters', () => {
    const rates = new ConnectRates(10, 1, 3);
    for (const address of ['a', 'b', 'c', 'd']) assert.equal(rates.take(address, 0), undefined);
    assert.equal(rates.size, 3);
    assert.equal(rates.take('d', 0), 100);
    assert.equal(rates.take('a', 0), undefined);
    rates.sweep(99);
    assert.equal(rates.size, 3);
    rates.sweep(100);
    assert.equal(rates.size, 0);
  });
});
