import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { FailedKeys } from '../../../edge/keys/failed-keys.ts';

const BURST = 20;
const TOKEN_EVERY_MS = 1000;
const MAX_ADDRESSES = 10_000;

describe('the bucket of an address for wrong keys', () => {
  it('has so many tokens, and one more each second', () => {
    let now = 5000;
    const failures = new FailedKeys(() => now);
    for (let n = 0; n < BURST; n++) assert.equal(failures.take('192.0.2.1'), 0);
    assert.equal(failures.take('192.0.2.1'), TOKEN_EVERY_MS);
    now += 400;
    assert.equal(failures.take('192.0.2.1'), 600);
    now += 600;
    assert.equal(failures.take('192.0.2.1'), 0);
    assert.equal(failures.take('192.0.2.1'), TOKEN_EVERY_MS);
  });

  it('is its own; clients without an address share one', () => {
    const failures = new FailedKeys(() => 0);
    for (let n = 0; n < BURST; n++) failures.take('192.0.2.1');
    assert.ok(failures.take('192.0.2.1') > 0);
    assert.equal(failures.take('192.0.2.2'), 0);
    for (let n = 0; n < BURST; n++) failures.take(undefined);
    assert.ok(failures.take(undefined) > 0);
  });

  it('is never full beyond its size, and forgotten when it is full', () => {
    let now = 0;
    const failures = new FailedKeys(() => now);
    for (let n = 0; n < 100; n++) failures.take(`192.0.2.${n}`);
    assert.equal(failures.size, 100);
    now += 3_600_000;
    for (let n = 0; n < BURST; n++) assert.equal(failures.take('192.0.2.1'), 0);
    assert.ok(failures.take('192.0.2.1') > 0);
    for (let n = 0; n < 50; n++) failures.take(`198.51.100.${n}`);
    assert.equal(failures.size, 51);
  });

  it('is one of a bounded number, of which those go that failed longest ago', () => {
    const failures = new FailedKeys(() => 0);
    for (let n = 0; n < BURST; n++) failures.take('first');
    for (let n = 0; n < BURST; n++) failures.take('second');
    for (let n = 0; n < MAX_ADDRESSES - 2; n++) failures.take(`address ${n}`);
    assert.equal(failures.size, MAX_ADDRESSES);
    assert.ok(failures.take('first') > 0);
    failures.take('one more');
    assert.equal(failures.size, MAX_ADDRESSES);
    assert.equal(failures.take('first'), 0);
    for (let n = 0; n < 3 * MAX_ADDRESSES; n++) failures.take(`another ${n}`);
    assert.equal(failures.size, MAX_ADDRESSES);
  });

  it('lets at most its tokens and those of the time that passed be taken, and every one that is there', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3000), { maxLength: 200 }), (pauses) => {
        let now = 0;
        const failures = new FailedKeys(() => now);
        let tokens = BURST;
        for (const pause of pauses) {
          now += pause;
          tokens = Math.min(BURST, tokens + pause / TOKEN_EVERY_MS);
          const waitMs = failures.take('192.0.2.1');
          if (Math.abs(tokens - 1) < 1e-9) tokens = 1;
          assert.equal(waitMs === 0, tokens >= 1, `${tokens} tokens, told to wait ${waitMs} ms`);
          if (waitMs === 0) tokens -= 1;
          else assert.ok(Math.abs(waitMs - (1 - tokens) * TOKEN_EVERY_MS) < 1e-6);
        }
      }),
    );
  });
});
