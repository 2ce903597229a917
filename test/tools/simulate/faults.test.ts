import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FaultPlanner, NO_FAULTS, positionOf, type Faults, type PlannedFrame } from '../../../tools/simulate/faults.ts';

function framesOf(faults: Partial<Faults>, numbers: readonly number[], seed = 1): PlannedFrame[][] {
  const planner = new FaultPlanner({ ...NO_FAULTS, ...faults }, seed);
  return numbers.map((number) => [...planner.plan(number).frames]);
}
const numbers = Array.from({ length: 44 }, (_, at) => 1100 + at);
const own = (number: number): PlannedFrame => ({ position: positionOf(number), variant: 0 });
const rival = (number: number): PlannedFrame => ({ position: positionOf(number), variant: 1 });

describe('FaultPlanner', () => {
  it('sends each message once and in order where no fault is asked for', () => {
    assert.deepEqual(
      framesOf({}, numbers),
      numbers.map((number) => [own(number)]),
    );
  });

  it('skips, duplicates and doubles every one at a rate of 1', () => {
    assert.deepEqual(framesOf({ skip: 1 }, numbers).flat(), []);
    assert.deepEqual(
      framesOf({ duplicate: 1 }, numbers),
      numbers.map((number) => [own(number), own(number)]),
    );
    assert.deepEqual(
      framesOf({ rival: 1 }, numbers),
      numbers.map((number) => [own(number), rival(number)]),
    );
  });

  it('sends a late message after its successor, never two in a row', () => {
    assert.deepEqual(framesOf({ late: 1 }, [1100, 1101, 1102, 1103]), [
      [],
      [own(1101), own(1100)],
      [],
      [own(1103), own(1102)],
    ]);
  });

  it('decides on a rival for whole blocks', () => {
    const blocks = new Map<number, Set<number>>();
    for (const frames of framesOf({ rival: 0.5 }, numbers))
      for (const { position } of frames.slice(0, 1))
        blocks.set(position.blockNumber, (blocks.get(position.blockNumber) ?? new Set()).add(frames.length));
    assert.equal(blocks.size, 4);
    for (const counts of blocks.values()) assert.equal(counts.size, 1);
  });

  it('is silent after each run of so many messages', () => {
    const planner = new FaultPlanner({ ...NO_FAULTS, stallEvery: 3, stallMs: 700 }, 1);
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6].map((number) => planner.plan(number).stallMs),
      [0, 0, 700, 0, 0, 700],
    );
  });

  it('cuts connections at the rate asked for', () => {
    const planner = new FaultPlanner({ ...NO_FAULTS, dropConnections: 1 }, 1);
    assert.equal(planner.plan(5).dropConnections, true);
  });

  it('plans the same for the same seed, and loses nothing but what it skips', () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(), rate, rate, rate, (seed, duplicate, late, rivalRate) => {
        const faults = { duplicate, late, rival: rivalRate };
        const frames = framesOf(faults, numbers, seed).flat();
        assert.deepEqual(framesOf(faults, numbers, seed).flat(), frames);
        const sent = new Set(frames.filter(({ variant }) => variant === 0).map((frame) => JSON.stringify(frame)));
        // The very last may still be withheld as late.
        for (const number of numbers.slice(0, -1)) assert.ok(sent.has(JSON.stringify(own(number))), String(number));
      }),
    );
  });
});
