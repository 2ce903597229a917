import assert from 'node:assert/strict';
import { Bench, frame, other } from './support.ts';

/** A bench whose stream stands at (100, 2) after a block 99 that ended with index 4. */
function running(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const bench = new Bench(options);
  bench.receive(frame(99, 3), frame(99, 4), frame(100, 0), frame(100, 1), frame(100, 2));
  return bench;
}

describe('rule 1: repeats', () => {
  it('drops a message whose content was accepted before, from whatever upstream', () => {
    const bench = running();
    assert.deepEqual(bench.receive(frame(100, 2, { upstream: 1 }), frame(100, 1)), [
      '100-2 duplicate',
      '100-1 duplicate',
    ]);
  });

  it('remembers the contents of 64 messages', () => {
    const bench = new Bench({ dedupe: 'content' });
    const messages = Array.from({ length: 65 }, (_, index) => frame(100, index));
    bench.receive(...messages.slice(0, 64));
    assert.deepEqual(bench.receive(messages[0]!), ['100-0 duplicate']);
    bench.receive(messages[64]!);
    assert.deepEqual(bench.receive(messages[0]!, messages[2]!), ['100-0', '100-2 duplicate']);
    assert.equal(bench.sequencer.recentContents(0).length, 64);
  });

  it('lets what is not a flashblock recur after 2 s, as a heartbeat does', () => {
    const bench = running();
    assert.deepEqual(bench.receive(other('{"beat":1}')), ['{"beat":1}']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2000 })), ['{"beat":1} duplicate']);
    bench.pass(1);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2001 })), ['{"beat":1}']);
    assert.deepEqual(bench.receive(other('{"beat":1}', { readAt: 2001 })), ['{"beat":1} duplicate']);
  });

  it('knows a flashblock as a repeat after any time', () => {
    const bench = running();
    bench.pass(60_000);
    assert.deepEqual(bench.receive(frame(100, 2)), ['100-2 duplicate']);
  });

  it('tells the ages of the window, newest last', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0));
    bench.now = 300;
    bench.receive(other('beat'));
    assert.deepEqual(
      bench.sequencer.recentContents(500).map(({ ageMs, flashblock }) => ({ ageMs, flashblock })),
      [
        { ageMs: 500, flashblock: true },
        { ageMs: 200, flashblock: false },
      ],
    );
  });
});

describe('rule 2: one payload per block', () => {
  it('lets the first payload of a block win and drops the frames of others as conflicts, told once per block', () => {
    const bench = running();
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
    assert.deepEqual(running().receive(frame(100, 2, { note: 'again' })), ['100-2 stale']);
  });

  it('lets a whole other payload take over when the winner was silent for TAKEOVER_MS', () => {
    const bench = running();
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
    const bench = running();
    bench.receive(frame(100, 0, { payload: 'b' }), frame(100, 2, { payload: 'b' }));
    assert.deepEqual(bench.pass(900), []);
    assert.deepEqual(bench.receive(frame(100, 1, { payload: 'b' })), ['100-1/b conflict']);
    assert.deepEqual(bench.pass(0), ['100-0/b takeover', '100-1/b', '100-2/b']);
  });

  it('does not take over while the winner goes on', () => {
    const bench = running();
    bench.receive(frame(100, 0, { payload: 'b' }));
    assert.deepEqual(bench.pass(500), []);
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3']);
    assert.deepEqual(bench.pass(599), []);
  });

  it('does not take over when the winner reached the index that the block before ended with', () => {
    const bench = running();
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
      const bench = running();
      bench.receive(...indexes.map((index) => frame(100, index, { payload: 'b' })));
      assert.deepEqual(bench.pass(5000), []);
    }
  });

  it('keeps the frames of one other payload only', () => {
    const bench = running();
    bench.receive(frame(100, 0, { payload: 'b' }), frame(100, 0, { payload: 'c' }), frame(100, 1, { payload: 'c' }));
    assert.deepEqual(bench.pass(600), ['100-0/b takeover']);
  });

  it('keeps no payload that it sees from a later index on, so that a whole one is kept', () => {
    const bench = running();
    bench.receive(frame(100, 1, { payload: 'b' }), frame(100, 0, { payload: 'c' }));
    assert.deepEqual(bench.pass(600), ['100-0/c takeover']);
  });

  it('does not take over while something of the winner waits to be published', () => {
    const bench = running();
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
      const bench = running();
      bench.receive(frame(100, 0, { payload: 'b' }));
      bench.pass(500);
      bench.sequencer[event](bench.now);
      assert.deepEqual(bench.pass(599), []);
      assert.deepEqual(bench.pass(1), ['100-0/b takeover']);
    }
  });

  it('does not let a payload win its block back, as its frames would be repeats', () => {
    const bench = running();
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
      const bench = running();
      bench.receive(...frames(count, bytes));
      assert.equal(bench.pass(600).length, takenOver, `${count} frames of ${bytes} bytes`);
    }
  });
});

describe('rule 3: stale positions, jumps and restarts', () => {
  it('drops a position at or before the last accepted one', () => {
    assert.deepEqual(running().receive(frame(100, 1, { note: 'x' }), frame(98, 7), frame(99, 5)), [
      '100-1 stale',
      '98-7 stale',
      '99-5 stale',
    ]);
  });

  it('accepts a jump of 64 blocks and refuses a farther one', () => {
    const bench = running({ holds: () => false });
    assert.deepEqual(bench.receive(frame(165, 0), frame(164, 0)), ['165-0 stale', '164-0 gap']);
  });

  it('accepts a farther jump after RESTART_MS without an accepted flashblock', () => {
    const bench = running({ holds: () => false });
    bench.pass(3999);
    assert.deepEqual(bench.receive(frame(1000, 5)), ['1000-5 stale']);
    bench.pass(1);
    assert.deepEqual(bench.receive(frame(1000, 6)), ['1000-6 gap']);
  });

  it('holds the far jump too, and goes on with the old chain when that comes back meanwhile', () => {
    const bench = running();
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(9e15, 0, { upstream: 1 })), []);
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3', '9000000000000000-0 stale']);
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('does not let an absurd block number move the stream that goes on', () => {
    const bench = running();
    assert.deepEqual(
      bench.receive(frame(9e15, 0, { upstream: 1 }), frame(Number.MAX_SAFE_INTEGER, 1, { upstream: 1 })),
      ['9000000000000000-0 stale', '9007199254740991-1 stale'],
    );
    assert.deepEqual(bench.receive(frame(100, 3)), ['100-3']);
  });

  it('does not count a stall as silence before a jump', () => {
    const bench = running();
    bench.now = 10_000;
    assert.deepEqual(bench.receive(frame(1000, 0, { afterStall: true })), ['1000-0 stale']);
    bench.sequencer.resumeAfterStall(bench.now);
    assert.deepEqual(bench.receive(frame(1001, 0)), ['1001-0 stale']);
  });

  it('starts a new run with the next index 0 after two successive blocks, the first RESTART_MS ago, in silence', () => {
    const bench = running();
    bench.pass(100);
    assert.deepEqual(bench.receive(frame(10, 0), frame(10, 1)), ['10-0 stale', '10-1 stale']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(frame(11, 0), frame(11, 1)), ['11-0 stale', '11-1 stale']);
    bench.pass(2000);
    assert.deepEqual(bench.receive(frame(12, 0), frame(12, 1), frame(13, 0)), ['12-0 restart', '12-1', '13-0']);
  });

  it('does not start it before the first is RESTART_MS old, but with a later index 0', () => {
    const bench = running();
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
    const bench = running();
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
    const bench = running();
    bench.receive(frame(10, 0, { upstream: 1 }), frame(11, 0, { upstream: 2 }), frame(20, 0), frame(22, 0));
    bench.pass(5000);
    assert.deepEqual(bench.receive(frame(12, 0, { upstream: 1 }), frame(12, 0, { upstream: 2 }), frame(24, 0)), [
      '12-0 stale',
      '12-0 stale',
      '24-0 stale',
    ]);
  });

  it('does not start it for an upstream that delivers the present run as well', () => {
    const bench = running();
    for (const present of [frame(100, 3), frame(100, 3)]) {
      bench.receive(frame(10, 0), frame(11, 0), present);
      bench.pass(5000);
      assert.deepEqual(bench.receive(frame(12, 0)), ['12-0 stale']);
    }
  });

  it('comes back from an absurd block number that was accepted in silence', () => {
    const bench = running();
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
    const bench = running();
    bench.receive(frame(88, 0), frame(89, 0));
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(101, 4, { upstream: 1 }), other('beat', { upstream: 1, readAt: 4000 })), []);
    assert.deepEqual(bench.receive(frame(90, 0)), ['90-0 restart', '101-4 stale', 'beat']);
  });

  it('starts a new run in the very block where the old one stopped; it has no block before', () => {
    const bench = running();
    bench.receive(frame(98, 0, { payload: 'x' }), frame(99, 0, { payload: 'y' }));
    bench.pass(4000);
    const [made] = bench.sequencer.receive(frame(100, 0, { payload: 'z' }), bench.now);
    assert.ok(made?.action === 'publish' && made.restart);
    assert.deepEqual(made.decided, { position: { blockNumber: 100, index: 0 }, payloadId: 'z' });
  });

  it('does not let frames of the old run take a block of the new one over', () => {
    const bench = running();
    bench.receive(frame(97, 0), frame(98, 0));
    bench.pass(4000);
    const next = [frame(99, 0), frame(99, 1), frame(100, 0)].map(({ head }) => head!.position);
    const said = bench.receive(...next.map(({ blockNumber, index }) => frame(blockNumber, index, { payload: 'z' })));
    assert.deepEqual(said, ['99-0/z restart', '99-1/z', '100-0/z']);
    for (let count = 0; count < 64; count += 1) bench.receive(other(String(count), { readAt: bench.now }));
    assert.deepEqual(bench.pass(5000), []);
  });

  it('counts an index 0 that comes again once', () => {
    const bench = running();
    bench.receive(frame(10, 0));
    bench.pass(2000);
    bench.receive(frame(11, 0));
    bench.pass(2000);
    bench.receive(frame(11, 0, { payload: 'b' }));
    assert.deepEqual(bench.receive(frame(12, 0)), ['12-0 restart']);
  });

  it('does not start it with an index 0 that does not lead on from the two', () => {
    const bench = running();
    bench.receive(frame(10, 0), frame(11, 0));
    bench.pass(4000);
    assert.deepEqual(bench.receive(frame(8, 0)), ['8-0 stale']);
  });

  it('counts the time for a restart anew from a stall', () => {
    const bench = running();
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

describe('rule 5: what is not a flashblock', () => {
  it('passes it on in order of arrival', () => {
    assert.deepEqual(running().receive(other('x'), frame(100, 3), other('y')), ['x', '100-3', 'y']);
  });

  it('publishes one that waited for long while nothing was learnt of other ingests', () => {
    const bench = running();
    bench.pass(1500);
    assert.deepEqual(bench.receive(other('x', { readAt: 0 })), ['x']);
  });
});

describe('DEDUPE', () => {
  it('content: drops identical bytes and nothing else', () => {
    const bench = new Bench({ dedupe: 'content' });
    const odd = [frame(100, 5), frame(99, 0), frame(100, 0, { payload: 'b' }), frame(9e15, 0), other('x')];
    assert.deepEqual(bench.receive(...odd), ['100-5', '99-0', '100-0/b', '9000000000000000-0', 'x']);
    assert.deepEqual(
      bench.receive(...odd).map((words) => words.split(' ')[1]),
      Array(5).fill('duplicate'),
    );
    assert.equal(bench.sequencer.deadline(), undefined);
  });

  it('content: takes no block over', () => {
    const bench = new Bench({ dedupe: 'content' });
    bench.receive(frame(99, 4), frame(100, 0, { payload: 'b' }), frame(100, 0));
    for (let count = 0; count < 64; count += 1) bench.receive(other(String(count)));
    assert.deepEqual(bench.pass(5000), []);
  });

  it('off: passes everything on', () => {
    const bench = new Bench({ dedupe: 'off' });
    assert.deepEqual(bench.receive(frame(100, 5), frame(100, 5), other('x'), other('x'), frame(3, 0)), [
      '100-5',
      '100-5',
      'x',
      'x',
      '3-0',
    ]);
  });
});
