import assert from 'node:assert/strict';
import { once } from 'node:events';
import fc from 'fast-check';
import { createSystemClock, createUnixClock } from '../../../ingest/upstream/clock.ts';

describe('the Unix clock with fractions', () => {
  it('agrees with the whole milliseconds of the system at every reading, and moves on smoothly', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 50 }),
        (fraction, steps) => {
          let monotonic = 100;
          const unix = () => 1_700_000_000_000 + fraction + monotonic;
          const read = createUnixClock(
            () => monotonic,
            () => Math.floor(unix()),
          );
          let last = -Infinity;
          for (const step of steps) {
            monotonic += step;
            const now = read();
            assert.ok(Math.abs(now - unix()) <= 1.001, `${now} against ${unix()}`);
            assert.ok(now >= last - 0.001, `${now} after ${last}`);
            last = now;
          }
        },
      ),
    );
  });

  it('follows the system clock when that is set', () => {
    let whole = 1_700_000_000_000;
    const read = createUnixClock(
      () => 5,
      () => whole,
    );
    read();
    for (const jump of [3_600_000, -7_200_000]) {
      whole += jump;
      assert.ok(read() >= whole && read() <= whole + 1);
    }
  });
});

describe('the system clock', () => {
  it('calls back after a while, and not when that is cancelled', async () => {
    const clock = createSystemClock();
    const calls: string[] = [];
    const done = new EventTarget();
    const cancel = clock.after(0, () => calls.push('cancelled'));
    clock.after(1, () => {
      calls.push('called');
      done.dispatchEvent(new Event('called'));
    });
    cancel();
    await once(done, 'called');
    assert.deepEqual(calls, ['called']);
    cancel();
  });

  it('tells the time of day in Unix milliseconds', () => {
    const clock = createSystemClock();
    const before = Date.now();
    const now = clock.unixNow();
    assert.ok(now >= before && now <= Date.now() + 1, `${now} after ${before}`);
    assert.ok(clock.now() <= clock.now());
  });
});
