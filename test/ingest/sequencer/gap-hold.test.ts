import assert from 'node:assert/strict';
import { Bench, frame, other } from './support.ts';

/** A bench whose stream stands at (100, 2). */
function running(): Bench {
  const bench = new Bench();
  bench.receive(frame(100, 0), frame(100, 1), frame(100, 2));
  return bench;
}

describe('rule 4: gaps', () => {
  it('holds an early frame until the missing one comes from another upstream, then sends both in order', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(100, 4)), []);
    bench.pass(59);
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3', '100-4']);
    assert.deepEqual(bench.gapEnds, ['0 repaired']);
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('takes the missing frame from the same upstream too', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(100, 5), frame(100, 4), frame(100, 3)), ['100-3', '100-4', '100-5']);
    assert.deepEqual(bench.gapEnds, ['0 repaired', '0 repaired']);
  });

  it('sends what there is when GAP_REPAIR_MS is up, and counts the gap once', () => {
    const bench = running();
    bench.receive(frame(100, 4), frame(100, 5));
    assert.equal(bench.sequencer.deadline(), 60);
    assert.deepEqual(bench.pass(59), []);
    assert.deepEqual(bench.pass(1), ['100-4 gap', '100-5']);
    assert.deepEqual(bench.gapEnds, ['0 lost']);
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3 stale']);
  });

  it('does not let time end a hold before a tick, so that what was read late still repairs', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    bench.now = 200;
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3', '100-4']);
  });

  it('holds each gap for its own time', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    bench.pass(50);
    bench.receive(frame(100, 7));
    assert.deepEqual(bench.pass(10), ['100-4 gap']);
    bench.pass(40);
    assert.deepEqual(bench.receive(frame(100, 6), frame(100, 5)), ['100-5', '100-6', '100-7']);
    assert.deepEqual(bench.gapEnds, ['0 lost', '0 repaired', '0 repaired']);
  });

  it('sends whatever stands before a frame whose time is up along with it', () => {
    const bench = running();
    bench.receive(frame(101, 0, { previous: [100, 6] }));
    bench.pass(50);
    bench.receive(frame(100, 4, { upstream: 1 }));
    assert.deepEqual(bench.pass(10), ['100-4 gap', '101-0 gap']);
    assert.deepEqual(bench.gapEnds, ['1 lost', '0 lost']);
  });

  it('holds a jump to a later block, index 0 included', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(102, 0), frame(101, 1)), []);
    assert.deepEqual(bench.receive(frame(101, 0, { upstream: 1 })), ['101-0', '101-1', '102-0']);
  });

  it("sees a gap at a block's end by prev_flashblock_id", () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(101, 0, { previous: [100, 3] })), []);
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3', '101-0']);
    assert.deepEqual(bench.gapEnds, ['0 repaired']);
  });

  it('takes prev_flashblock_id as the proof that nothing is missing', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(102, 0, { previous: [100, 2] })), ['102-0']);
    assert.deepEqual(bench.gapEnds, []);
  });

  it('goes by the positions where prev_flashblock_id makes no sense or is older', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(100, 3, { previous: [100, 3] })), ['100-3']);
    assert.deepEqual(bench.receive(frame(100, 4, { previous: [900, 0] })), ['100-4']);
    assert.deepEqual(bench.receive(frame(100, 5, { previous: [100, 0] })), ['100-5']);
    assert.deepEqual(bench.receive(frame(100, 7, { previous: [100, 0] })), []);
  });

  it('takes index 0 of the next block as next where nothing is said of its predecessor', () => {
    assert.deepEqual(running().receive(frame(101, 0)), ['101-0']);
  });

  it('lets what the same upstream sends later wait behind the held frame, flashblock or not', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(100, 4), other('x'), frame(101, 0), other('y')), []);
    assert.deepEqual(bench.receive(other('z', { upstream: 1 })), ['z']);
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3', '100-4', 'x', '101-0', 'y']);
  });

  it('lets what other upstreams send of later positions wait too, so that the held frame is not lost', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    assert.deepEqual(bench.receive(frame(101, 0, { upstream: 1 })), []);
    assert.deepEqual(bench.pass(60), ['100-4 gap', '101-0']);
  });

  it('drops the repeat of a held frame, and what the stream has passed, at once', () => {
    const bench = running();
    bench.receive(frame(100, 4), other('x'));
    assert.deepEqual(
      bench.receive(frame(100, 4, { upstream: 1 }), other('x', { upstream: 1 }), frame(100, 1), frame(99, 0)),
      ['100-4 duplicate', 'x duplicate', '100-1 duplicate', '99-0 stale'],
    );
  });

  it('drops held frames that others overtook as stale when it comes to them', () => {
    const bench = running();
    bench.receive(frame(100, 4), frame(100, 4, { note: 'other content', upstream: 1 }));
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3', '100-4', '100-4 stale']);
  });

  it('decides between two payloads for a held index 0 by arrival, and keeps the other', () => {
    const bench = running();
    bench.receive(frame(100, 3), frame(100, 4));
    bench.receive(frame(101, 0, { previous: [100, 5] }), frame(101, 0, { payload: 'b', upstream: 1 }));
    assert.deepEqual(bench.receive(frame(101, 1, { payload: 'b', upstream: 1 })), []);
    assert.deepEqual(bench.receive(frame(100, 5, { upstream: 2 })), [
      '100-5',
      '101-0',
      '101-0/b conflict first',
      '101-1/b conflict',
    ]);
    assert.deepEqual(bench.pass(600), ['101-0/b takeover', '101-1/b']);
  });

  it('does not take over while an early frame is held', () => {
    const bench = new Bench({ gapRepairMs: 1000 });
    bench.receive(frame(99, 4), frame(100, 0), frame(100, 0, { payload: 'b' }));
    bench.receive(frame(100, 2));
    assert.deepEqual(bench.pass(700), []);
    assert.deepEqual(bench.receive(frame(100, 1)), ['100-1', '100-2']);
  });

  it('holds nothing where it is not worth it, and counts the gap', () => {
    const bench = running();
    bench.holds = false;
    assert.deepEqual(bench.receive(frame(100, 4, { upstream: 1 })), ['100-4 gap']);
    assert.deepEqual(bench.gapEnds, ['1 lost']);
  });

  it('holds at most 64 messages: with one more it sends them all', () => {
    const bench = running();
    const later = Array.from({ length: 64 }, (_, i) => frame(100, 4 + i));
    assert.deepEqual(bench.receive(...later), []);
    const said = bench.receive(frame(100, 70));
    assert.equal(said.length, 65);
    assert.deepEqual([said[0], said[1], said[64]], ['100-4 gap', '100-5', '100-70 gap']);
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('holds at most 4 x MAX_MESSAGE_BYTES: with one byte more it sends them all', () => {
    const bench = running();
    assert.deepEqual(bench.receive(...[4, 5, 6, 7].map((index) => frame(100, index, { bytes: 10_000 }))), []);
    assert.deepEqual(bench.receive(other('x')), ['100-4 gap', '100-5', '100-6', '100-7', 'x']);
  });

  it('counts only what is held now', () => {
    const bench = running();
    for (const index of [4, 8, 12]) {
      bench.receive(...[0, 1, 2].map((more) => frame(100, index + more, { bytes: 10_000 })), other('x'));
      bench.pass(2100);
    }
    const said = bench.receive(...[16, 17, 18].map((index) => frame(100, index, { bytes: 10_000 })));
    assert.deepEqual(said, []);
    assert.deepEqual(bench.receive(other('x', { readAt: bench.now })), []);
    assert.deepEqual(bench.pass(60), ['100-16 gap', '100-17', '100-18', 'x']);
  });

  it('repairs with the message that exceeds the bound when that is the missing one', () => {
    const bench = running();
    bench.receive(...Array.from({ length: 64 }, (_, i) => frame(100, 4 + i)));
    const said = bench.receive(frame(100, 3));
    assert.deepEqual([said.length, said[0], said[64]], [65, '100-3', '100-67']);
    assert.deepEqual(bench.gapEnds, ['0 repaired']);
  });

  it('starts every hold anew after a stall', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    bench.now = 5000;
    bench.sequencer.resumeAfterStall(bench.now);
    assert.equal(bench.sequencer.deadline(), 5060);
  });

  it('knows a stall by a tick that comes over a second late', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    assert.deepEqual(bench.sequencer.tick(1061), []);
    assert.equal(bench.sequencer.deadline(), 1121);
    bench.now = 1100;
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3', '100-4']);
  });

  it('does nothing in a tick before the deadline', () => {
    const bench = running();
    bench.receive(frame(100, 4));
    assert.deepEqual(bench.sequencer.tick(59), []);
    assert.deepEqual(bench.sequencer.tick(60).length, 1);
  });
});
