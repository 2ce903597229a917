import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { CONTROL_FRAMES, DATA_FRAMES, type FrameRate, takeFrame } from '../../../edge/front/frame-rate.ts';

/** How many frames at these times pass. */
function passed(times: readonly number[], rate: FrameRate): number {
  let paidUntil = 0;
  return times.filter((time) => {
    const next = takeFrame(paidUntil, time, rate);
    paidUntil = next ?? paidUntil;
    return next !== undefined;
  }).length;
}

const at = (count: number, everyMs: number) => Array.from({ length: count }, (_, n) => 1000 + n * everyMs);

describe('frame rate', () => {
  for (const [name, rate] of [
    ['control', CONTROL_FRAMES],
    ['data', DATA_FRAMES],
  ] as const) {
    it(`lets a burst of ${rate.burst} ${name} frames pass, and not one more`, () => {
      assert.equal(passed(at(rate.burst, 0), rate), rate.burst);
      assert.equal(passed(at(rate.burst + 1, 0), rate), rate.burst);
    });

    it(`lets ${rate.perSecond} ${name} frames a second pass for ever`, () => {
      assert.equal(passed(at(5000, 1000 / rate.perSecond), rate), 5000);
    });
  }

  it('never lets more pass than the burst and the rate over the time together', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 600 }), (gaps) => {
        let time = 0;
        const times = gaps.map((gap) => (time += gap));
        const count = passed(times, CONTROL_FRAMES);
        const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
        assert.ok(count <= CONTROL_FRAMES.burst + (span * CONTROL_FRAMES.perSecond) / 1000 + 1);
      }),
    );
  });
});
