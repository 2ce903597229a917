import assert from 'node:assert/strict';
import { Bench, frame, standing } from './support.ts';

describe('rule 2: one payload per block', () => {
  it('lets the first payload of a block win and drops the frames of others as conflicts, told once per block', () => {
    const bench = standing();
    assert.deepEqual(bench.receive(frame(100, 0, { payload: 'b' }), frame(100, 3, { payload: 'b' }), frame(100, 3)), [
      '100-0/b conflict first',
      '100-3/b conflict',
      '100-3',
    ]);
    assert.deepEqual(bench.receive(frame(101, 0), frame(101, 0, { payload: 'b' })), [
      '101-0',
      '101-0/b conflict first',
    ]);
  });

  it('drops a frame of the winner with other content at an accepted position as stale', () => {
    assert.deepEqual(standing().receive(frame(100, 2, { note: 'again' })), ['100-2 stale']);
  });

  it('lets a whole other payload take over when the winner was silent for TAKEOVER_MS', () => {
    const bench = standing();
    bench.receive(...[0, 1, 2, 3].map((index) => frame(100, index, { payload: 'b' })));
    assert.deepEqual(bench.pass(599), []);
    assert.deepEqual(bench.pass(1), ['100-0/b takeover', '100-1/b', '100-2/b', '100-3/b']);
    assert.deepEqual(bench.receive(frame(100, 4, { payload: 'b' }), frame(100, 3), frame(101, 0)), [
      '100-4/b',
      '100-3 conflict',
      '101-0',
    ]);
  });

  it('takes over at once when the other payload becomes whole after that time', () => {
    const bench = standing();
    bench.receive(frame(100, 0, { payload: 'b' }), frame(100, 2, { payload: 'b' }));
    assert.deepEqual(bench.pass(900), []);
    assert.deepEqual(bench.receive(frame(100, 1, { payload: 'b' })), ['100-1/b conflict']);
    assert.deepEqual(bench.pass(0), ['100-0/b takeover', '100-1/b', '100-2/b']);
  });

  it('does not take over while the winner goes on', () => {
    const bench = standing();
    bench.receive(frame(100, 0, { payload: 'b' }));
    assert.deepEqual(bench.pass(500), []);
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3']);
    assert.deepEqual(bench.pass(599), []);
  });

  it('does not take over when the winner reached the index that the block before ended with', () => {
    const bench = standing();
    bench.receive(frame(100, 3), frame(100, 4), frame(100, 0, { payload: 'b' }));
    assert.equal(bench.sequencer.deadline(), undefined);
    assert.deepEqual(bench.pass(5000), []);
  });

  it('does not take over where the end of the block before was not seen', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0), frame(100, 0, { payload: 'b' }));
    assert.deepEqual(bench.pass(5000), []);
  });

  it('does not take over with a payload that misses a frame or its index 0', () => {
    for (const indexes of [
      [0, 2],
      [1, 2],
    ]) {
      const bench = standing();
      bench.receive(...indexes.map((index) => frame(100, index, { payload: 'b' })));
      assert.deepEqual(bench.pass(5000), []);
    }
  });

  it('keeps the frames of one other payload only', () => {
    const bench = standing();
    bench.receive(frame(100, 0, { payload: 'b' }), frame(100, 0, { payload: 'c' }), frame(100, 1, { payload: 'c' }));
    assert.deepEqual(bench.pass(600), ['100-0/b takeover']);
  });

  it('keeps no payload that it sees from a later index on, so that a whole one is kept', () => {
    const bench = standing();
    bench.receive(frame(100, 1, { payload: 'b' }), frame(100, 0, { payload: 'c' }));
    assert.deepEqual(bench.pass(600), ['100-0/c takeover']);
  });

  it('does not take over while something of the winner waits to be published', () => {
    const bench = standing();
    bench.receive(frame(100, 0, { payload: 'b' }));
    bench.waits = true;
    assert.deepEqual(bench.pass(700), []);
    const due = bench.sequencer.deadline();
    assert.ok(due !== undefined && due > bench.now, 'it is looked at again later, not at once');
    bench.waits = false;
    assert.deepEqual(bench.pass(20), ['100-0/b takeover']);
  });

  it("counts the time for a take-over anew from the backplane's return and from a stall", () => {
    for (const event of ['backplaneReturned', 'resumeAfterStall'] as const) {
      const bench = standing();
      bench.receive(frame(100, 0, { payload: 'b' }));
      bench.pass(500);
      bench.sequencer[event](bench.now);
      assert.deepEqual(bench.pass(599), []);
      assert.deepEqual(bench.pass(1), ['100-0/b takeover']);
    }
  });

  it('does not let a payload win its block back, as its frames would be repeats', () => {
    const bench = standing();
    bench.receive(frame(100, 0, { payload: 'b' }));
    bench.pass(600);
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3 conflict']);
    assert.deepEqual(bench.pass(5000), []);
  });

  it('keeps 64 frames and 4 x MAX_MESSAGE_BYTES of the other payload, and does not take over with less than all', () => {
    const frames = (count: number, bytes: number) =>
      Array.from({ length: count }, (_, index) => frame(100, index, { payload: 'b', bytes }));
    for (const [count, bytes, takenOver] of [
      [64, 100, 64],
      [65, 100, 0],
      [4, 10_000, 4],
      [5, 10_000, 0],
    ] as const) {
      const bench = standing();
      bench.receive(...frames(count, bytes));
      assert.equal(bench.pass(600).length, takenOver, `${count} frames of ${bytes} bytes`);
    }
  });
});
