import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backoffMs, redialAfter } from '../../client/redial.ts';

const history = { failures: 0, resumed: false, worked: false };
const rules = { reconnect: true, backoffMs: 500, maxBackoffMs: 10_000 };

describe('the back-off of the client', () => {
  it('is uniform from 0 to a ceiling that doubles from 500 ms to 10 s', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 5000].map((failures) => backoffMs(rules, failures, 1)),
      [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000],
    );
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        assert.equal(backoffMs(rules, failures, random), random * backoffMs(rules, failures, 1));
      }),
    );
  });

  it('waits no longer than a minute for what a server asks', () => {
    const end = { kind: 'refused', status: 429, reason: '', retryAfterMs: 86_400_000 } as const;
    assert.deepEqual(redialAfter(end, rules, { ...history, resumed: true }, 0), { kind: 'wait', delayMs: 60_000 });
  });

  for (const status of [400, 401, 403, 404, 414, 426])
    it(`gives up at status ${status}, also on a second dial without a position`, () => {
      const end = { kind: 'refused', status, reason: '' } as const;
      assert.equal(redialAfter(end, rules, history, 0).kind, 'fail');
      const withPosition = redialAfter(end, rules, { ...history, resumed: true }, 0).kind;
      const worked = redialAfter(end, rules, { ...history, worked: true }, 0).kind;
      assert.deepEqual([withPosition, worked], [400, 404, 414].includes(status) ? ['plain', 'wait'] : ['fail', 'fail']);
    });

  for (const status of [200, 408, 429, 500, 502, 503])
    it(`comes again after status ${status}`, () => {
      const end = { kind: 'refused', status, reason: '' } as const;
      assert.equal(redialAfter(end, rules, { ...history, resumed: true }, 0).kind, 'wait');
    });

  for (const code of [1000, 1001, 1006, 1009, 1013])
    it(`comes again after close code ${code}`, () => {
      const end = { kind: 'closed', code, reason: '' } as const;
      assert.equal(redialAfter(end, rules, { ...history, resumed: true }, 0).kind, 'wait');
    });
});
