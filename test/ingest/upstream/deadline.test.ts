import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Deadline } from '../../../ingest/upstream/deadline.ts';
import { FakeClock, FakeStall } from './rig.ts';

function createRig() {
  const clock = new FakeClock();
  const stall = new FakeStall();
  const begin = clock.now();
  const due: number[] = [];
  const deadline = new Deadline(clock, stall, () => due.push(clock.now() - begin));
  return { clock, stall, deadline, due };
}

describe('a deadline', () => {
  it('comes due once, as long after its last setting as that said', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(100), fc.integer({ min: 1, max: 100 })), { minLength: 1 }), (settings) => {
        const { clock, deadline, due } = createRig();
        const expected: number[] = [];
        let now = 0;
        let dueAt = Infinity;
        for (const [wait, length] of settings) {
          if (dueAt <= now + wait) expected.push(dueAt);
          now += wait;
          clock.advance(wait);
          deadline.set(length);
          dueAt = now + length;
        }
        clock.advance(1000);
        assert.deepEqual(due, [...expected, dueAt]);
        assert.equal(clock.pending, 0);
      }),
    );
  });

  it('is put off any number of times with a single timer', () => {
    const { clock, deadline, due } = createRig();
    for (let frame = 0; frame < 1000; frame++) {
      deadline.set(100);
      clock.advance(1);
      assert.equal(clock.pending, 1);
    }
    assert.deepEqual(due, []);
    clock.advance(99);
    assert.deepEqual(due, [1099]);
  });

  it('never comes due after it was cleared, and leaves no timer', () => {
    const { clock, deadline, due } = createRig();
    deadline.set(100);
    deadline.clear();
    deadline.restart();
    assert.equal(clock.pending, 0);
    clock.advance(1000);
    assert.deepEqual(due, []);
  });

  it('starts anew with its whole length where it would come due right after a stall', () => {
    const { clock, stall, deadline, due } = createRig();
    deadline.set(100);
    stall.recent = true;
    clock.advance(100);
    stall.recent = false;
    clock.advance(99);
    assert.deepEqual(due, []);
    clock.advance(1);
    assert.deepEqual(due, [200]);
  });

  it('starts anew when it is told to', () => {
    const { clock, deadline, due } = createRig();
    deadline.set(100);
    clock.advance(60);
    deadline.restart();
    clock.advance(99);
    assert.deepEqual(due, []);
    clock.advance(1);
    assert.deepEqual(due, [160]);
  });
});
