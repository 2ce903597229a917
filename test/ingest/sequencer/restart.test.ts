import assert from 'node:assert/strict';
import { Bench, frame, other, standing } from './support.ts';

describe('rule 3: stale positions, jumps and restarts', () => {
  it('drops a position at or before the last accepted one', () => {
    assert.deepEqual(standing().receive(frame(100, 1, { note: 'x' }), frame(98, 7), frame(99, 5)), [
      '100-1 stale',
      '98-7 stale',
      '99-5 stale',
    ]);
  });

  it('accepts a jump of 64 blocks and refuses a farther one', () => {
    const bench = standing({ holds: () => false });
    assert.deepEqual(bench.receive(frame(165, 0), frame(164, 0)), ['165-0 stale', '164-0 gap']);
  });

  it('accepts a farther jump after RESTART_MS without an accepted flashblock', () => {
    const bench = standing({ holds: () => false });
    bench.pass(3999);
    assert.deepEqual(bench.receive(frame(1000, 5)), ['1000-5 stale']);
    bench.pass(1);
    assert.deepEqual(bench.receive(frame(1000, 6)), ['1000-6 gap']);
  });

  it('holds the far jump too, and goes on with the old chain when that comes back meanwhile', () => {
    const bench = standing();
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(9e15, 0, { upstream: 1 })), []);
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3', '9000000000000000-0 stale']);
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('does not let an absurd block number move the stream that goes on', () => {
    const bench = standing();
    assert.deepEqual(
      bench.receive(frame(9e15, 0, { upstream: 1 }), frame(Number.MAX_SAFE_INTEGER, 1, { upstream: 1 })),
      ['9000000000000000-0 stale', '9007199254740991-1 stale'],
    );
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3']);
  });

  it('does not count a stall as silence before a jump', () => {
    const bench = standing();
    bench.now = 10_000;
    assert.deepEqual(bench.receive(frame(1000, 0, { afterStall: true })), ['1000-0 stale']);
    bench.sequencer.resumeAfterStall(bench.now);
    assert.deepEqual(bench.receive(frame(1001, 0)), ['1001-0 stale']);
  });

  it('starts a new run with the next index 0 after two successive blocks, the first RESTART_MS ago, in silence', () => {
    const bench = standing();
    bench.pass(100);
    assert.deepEqual(bench.receive(frame(10, 0), frame(10, 1)), ['10-0 stale', '10-1 stale']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(frame(11, 0), frame(11, 1)), ['11-0 stale', '11-1 stale']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(frame(12, 0), frame(12, 1), frame(13, 0)), ['12-0 restart', '12-1', '13-0']);
  });

  it('does not start it before the first is RESTART_MS old, but with a later index 0', () => {
    const bench = standing();
    bench.pass(1000);
    bench.receive(frame(10, 0));
    bench.pass(1990);
    bench.receive(frame(11, 0));
    bench.pass(1990);
    assert.deepEqual(bench.receive(frame(12, 0), frame(12, 1)), ['12-0 stale', '12-1 stale']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(frame(13, 0)), ['13-0 restart']);
  });

  it('does not start it while flashblocks are accepted, however long the upstream replays', () => {
    const bench = standing();
    const said: string[] = [];
    for (let block = 0; block < 10; block += 1) {
      bench.pass(2000);
      said.push(...bench.receive(frame(10 + block, 0, { upstream: 1 }), frame(101 + block, 0)));
    }
    assert.ok(
      said.every((words) => words.endsWith('stale') || /^1\d\d-0$/.test(words)),
      said.join(),
    );
  });

  it('does not start it with blocks of two upstreams, or with blocks that do not follow each other', () => {
    const bench = standing();
    bench.receive(frame(10, 0, { upstream: 1 }), frame(11, 0, { upstream: 2 }), frame(20, 0), frame(22, 0));
    bench.pass(5000);
    assert.deepEqual(bench.receive(frame(12, 0, { upstream: 1 }), frame(12, 0, { upstream: 2 }), frame(24, 0)), [
      '12-0 stale',
      '12-0 stale',
      '24-0 stale',
    ]);
  });

  it('does not start it for an upstream that delivers the present run as well', () => {
    const bench = standing();
    for (const present of [frame(100, 3), frame(100, 3)]) {
      bench.receive(frame(10, 0), frame(11, 0), present);
      bench.pass(5000);
      assert.deepEqual(bench.receive(frame(12, 0)), ['12-0 stale']);
    }
  });

  it('comes back from an absurd block number that was accepted in silence', () => {
    const bench = standing();
    bench.pass(4000);
    bench.receive(frame(9e15, 0, { upstream: 1 }));
    assert.deepEqual(bench.pass(60), ['9000000000000000-0 gap']);
    const said = [];
    for (const block of [101, 102, 103, 104]) {
      said.push(...bench.receive(frame(block, 0)));
      bench.pass(2000);
    }
    assert.deepEqual(said, ['101-0 stale', '102-0 stale', '103-0 restart', '104-0']);
  });

  it('drops what was held of the old run when a new one starts', () => {
    const bench = standing();
    bench.receive(frame(88, 0), frame(89, 0));
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(101, 4, { upstream: 1 }), other('beat', { upstream: 1, readAt: 4000 })), []);
    assert.deepEqual(bench.receive(frame(90, 0)), ['90-0 restart', '101-4 stale', 'beat']);
  });

  it('starts a new run in the very block where the old one stopped; it has no block before', () => {
    const bench = standing();
    bench.receive(frame(98, 0, { payload: 'x' }), frame(99, 0, { payload: 'y' }));
    bench.pass(4000);
    const [made] = bench.sequencer.receive(frame(100, 0, { payload: 'z' }), bench.now);
    assert.ok(made?.action === 'publish' && made.restart);
    assert.deepEqual(made.decided, { position: { blockNumber: 100, index: 0 }, payloadId: 'z' });
  });

  it('does not let frames of the old run take a block of the new one over', () => {
    const bench = standing();
    bench.receive(frame(97, 0), frame(98, 0));
    bench.pass(4000);
    const next = [frame(99, 0), frame(99, 1), frame(100, 0)].map(({ head }) => head!.position);
    const said = bench.receive(...next.map(({ blockNumber, index }) => frame(blockNumber, index, { payload: 'z' })));
    assert.deepEqual(said, ['99-0/z restart', '99-1/z', '100-0/z']);
    for (let count = 0; count < 64; count += 1) bench.receive(other(String(count), { readAt: bench.now }));
    assert.deepEqual(bench.pass(5000), []);
  });

  it('counts an index 0 that comes again once', () => {
    const bench = standing();
    bench.receive(frame(10, 0));
    bench.pass(2000);
    bench.receive(frame(11, 0));
    bench.pass(2000);
    bench.receive(frame(11, 0, { payload: 'b' }));
    assert.deepEqual(bench.receive(frame(12, 0)), ['12-0 restart']);
  });

  it('does not start it with an index 0 that does not lead on from the two', () => {
    const bench = standing();
    bench.receive(frame(10, 0), frame(11, 0));
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(8, 0)), ['8-0 stale']);
  });

  it('counts the time for a restart anew from a stall', () => {
    const bench = standing();
    bench.receive(frame(10, 0), frame(11, 0));
    bench.pass(3000);
    bench.sequencer.resumeAfterStall(bench.now);
    bench.pass(3999);
    assert.deepEqual(bench.receive(frame(12, 0)), ['12-0 stale']);
    bench.pass(1);
    assert.deepEqual(bench.receive(frame(13, 0)), ['13-0 restart']);
  });

  it('accepts the first flashblock wherever it stands', () => {
    assert.deepEqual(new Bench().receive(frame(500, 7), frame(500, 8)), ['500-7', '500-8']);
  });
});
