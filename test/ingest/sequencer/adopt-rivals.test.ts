import assert from 'node:assert/strict';
import { Bench, frame, other, storedAfter } from './support.ts';

describe('adopt: another payload won the block', () => {
  it("decides that payload's kept frames after the stored position again first; the former winner's are kept", () => {
    const bench = new Bench();
    const own = [0, 1, 2].map((index) => frame(100, index));
    bench.receive(frame(99, 4), ...own, ...[0, 1, 2, 3].map((index) => frame(100, index, { payload: 'b' })));
    const state = storedAfter([frame(99, 4), frame(100, 0, { payload: 'b' }), frame(100, 1, { payload: 'b' })], {
      decided: { position: { blockNumber: 100, index: 1 }, payloadId: 'b', previousBlockEnd: 4 },
    });
    assert.deepEqual(bench.adopt(state, 'nothing', own), [
      '100-2/b',
      '100-3/b',
      '100-0 conflict',
      '100-1 conflict',
      '100-2 conflict',
    ]);
    assert.deepEqual(bench.pass(599), []);
    assert.deepEqual(bench.pass(1), ['100-0 takeover', '100-1', '100-2']);
  });

  it('passes over kept frames that were in the stream, without a second decision', () => {
    const bench = new Bench();
    const own = [frame(99, 4), frame(100, 0), frame(100, 1), frame(100, 2)];
    bench.receive(...own, frame(100, 0, { payload: 'b' }));
    assert.deepEqual(bench.pass(600), ['100-0/b takeover']);
    assert.deepEqual(bench.adopt(storedAfter(own.slice(0, 2)), 'contents'), []);
  });

  it('holds kept frames that are early on the stored state', () => {
    const bench = new Bench();
    const rival = [0, 1, 2, 3].map((index) => frame(100, index, { payload: 'b' }));
    const own = frame(100, 0);
    bench.receive(own, ...rival.slice(0, 2), rival[3]!);
    assert.deepEqual(bench.adopt(storedAfter([rival[0]!]), 'nothing', [own]), ['100-1/b', '100-0 conflict']);
    assert.deepEqual(bench.receive(rival[2]!), ['100-2/b', '100-3/b']);
  });

  it('counts the time for a take-over anew from a learnt state with another position or payload only', () => {
    for (const [other, due] of [
      [false, 100],
      [true, 600],
    ] as const) {
      const bench = new Bench();
      const messages = [frame(99, 4), frame(100, 0)];
      bench.receive(...messages, frame(100, 0, { payload: 'b' }));
      bench.pass(500);
      const stored = [...messages, ...(other ? [frame(100, 1)] : [])];
      const decided = { position: { blockNumber: 100, index: other ? 1 : 0 }, payloadId: 'a', previousBlockEnd: 4 };
      bench.adopt(storedAfter(stored, { decided }));
      assert.deepEqual(bench.pass(due - 1), [], String(due));
      assert.deepEqual(bench.pass(1), ['100-0/b takeover'], String(due));
    }
  });

  it('takes over again after a refusal for another reason', () => {
    const bench = new Bench();
    const messages = [frame(99, 4), frame(100, 0)];
    bench.receive(...messages);
    const rival = [0, 1].map((index) => frame(100, index, { payload: 'b' }));
    bench.receive(...rival);
    assert.deepEqual(bench.pass(600), ['100-0/b takeover', '100-1/b']);
    const decided = { position: { blockNumber: 100, index: 0 }, payloadId: 'a', previousBlockEnd: 4 };
    assert.deepEqual(bench.adopt(storedAfter([...messages, other('beat')], { decided }), 'nothing', rival), [
      '100-0/b conflict',
      '100-1/b conflict',
    ]);
    assert.deepEqual(bench.pass(0), ['100-0/b takeover', '100-1/b']);
  });

  it("follows another ingest's take-over without repeating it", () => {
    const bench = new Bench();
    const messages = [frame(99, 4), frame(100, 0)];
    bench.receive(...messages);
    const rival = [0, 1, 2].map((index) => frame(100, index, { payload: 'b' }));
    bench.receive(...rival);
    bench.pass(600);
    const state = storedAfter([...messages, ...rival.slice(0, 2)]);
    assert.deepEqual(bench.adopt(state, 'nothing', rival), ['100-0/b duplicate', '100-1/b duplicate', '100-2/b']);
  });
});

describe('adopt: restarts', () => {
  /** A bench that has decided on a new run at (12, 0) just now. */
  function restarted() {
    const bench = new Bench();
    bench.receive(frame(100, 0), frame(10, 0), frame(11, 0));
    bench.pass(4000);
    const first = frame(12, 0);
    assert.deepEqual(bench.receive(first), ['12-0 restart']);
    return { bench, first, second: frame(12, 1) };
  }

  it('starts the run again when its first publish was refused for something else', () => {
    const { bench, first, second } = restarted();
    bench.receive(second);
    const state = storedAfter([frame(100, 0), other('beat')]);
    assert.deepEqual(bench.adopt(state, 'nothing', [first, second]), ['12-0 restart', '12-1']);
  });

  it('does not start it when the stream went on meanwhile', () => {
    const { bench, first } = restarted();
    assert.deepEqual(bench.adopt(storedAfter([frame(100, 0), frame(100, 1)]), 'nothing', [first]), ['12-0 stale']);
  });

  it("follows another ingest's restart", () => {
    const bench = new Bench();
    bench.receive(frame(100, 0));
    bench.adopt(storedAfter([frame(100, 0), frame(12, 0)]), 'nothing', []);
    assert.deepEqual(bench.receive(frame(12, 0), frame(12, 1)), ['12-0 duplicate', '12-1']);
  });
});
