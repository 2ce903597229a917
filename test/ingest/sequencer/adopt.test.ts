import assert from 'node:assert/strict';
import { Bench, describeDecision, frame, other, storedAfter } from './support.ts';

/** A publisher as a state knows it. */
function publisher(ingestId: string, lastSequence: number, start = 's1') {
  return { ingestId, start, lastSequence, ageMs: 0 };
}

describe('adopt', () => {
  it('starts from the stored state', () => {
    const bench = new Bench();
    assert.deepEqual(bench.adopt(storedAfter([frame(100, 1), frame(100, 2)])), []);
    assert.deepEqual(bench.receive(frame(100, 2), frame(100, 0), frame(100, 3, { payload: 'b' }), frame(100, 3)), [
      '100-2 duplicate',
      '100-0 stale',
      '100-3/b conflict first',
      '100-3',
    ]);
  });

  it('publishes the state after each message, with the fields that it does not know', () => {
    const bench = new Bench();
    const decided = { position: { blockNumber: 99, index: 4 }, payloadId: 'z', unknown: { lane: 7 } };
    bench.adopt(storedAfter([], { decided }));
    const messages = [other('x'), frame(100, 0), frame(100, 1)];
    const states = messages
      .flatMap((message) => bench.sequencer.receive(message, 0))
      .map((made) => {
        assert.ok(made.action === 'publish');
        return made.decided;
      });
    assert.deepEqual(states, [
      decided,
      { position: { blockNumber: 100, index: 0 }, payloadId: 'a', previousBlockEnd: 4, unknown: { lane: 7 } },
      { position: { blockNumber: 100, index: 1 }, payloadId: 'a', previousBlockEnd: 4, unknown: { lane: 7 } },
    ]);
  });

  it('turns stored ages into times of its own clock', () => {
    const bench = new Bench();
    bench.now = 50_000;
    const beat = other('beat', { readAt: 50_000 });
    bench.adopt(storedAfter([], { recent: [{ contentHash: beat.contentHash, ageMs: 1500, flashblock: false }] }));
    assert.equal(bench.sequencer.recentContents(50_100)[0]?.ageMs, 1600);
    assert.deepEqual(bench.receive(beat), ['beat duplicate']);
    bench.now += 501;
    assert.deepEqual(bench.receive(beat), ['beat']);
  });

  it('decides undone messages again, in order: what another ingest published is a duplicate', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0), frame(100, 1), frame(100, 2));
    assert.deepEqual(
      bench.adopt(storedAfter([frame(100, 0), frame(100, 1)]), 'nothing', [frame(100, 1), frame(100, 2)]),
      ['100-1 duplicate', '100-2'],
    );
  });

  it('takes back what undone messages had changed when the own memory stays', () => {
    const bench = new Bench();
    const [first, second, third] = [frame(100, 0), frame(100, 1), frame(100, 2)];
    bench.receive(first, second, third);
    assert.deepEqual(bench.adopt(undefined, 'everything', [second, third]), ['100-1', '100-2']);
    const expired = storedAfter([frame(50, 0)], { acceptedAgeMs: 20_000, flashblockAgeMs: 20_000 });
    assert.deepEqual(bench.adopt(expired, 'everything', [third]), ['100-2']);
    assert.deepEqual(bench.receive(frame(100, 0)), ['100-0 duplicate']);
  });

  it('starts from an expired state when it has no position of its own, without a wait before a jump', () => {
    const bench = new Bench();
    bench.now = 1000;
    const expired = storedAfter([frame(100, 0), frame(100, 5)], { acceptedAgeMs: 60_000, flashblockAgeMs: 60_000 });
    bench.adopt(expired, 'everything');
    bench.holds = false;
    assert.deepEqual(bench.receive(frame(100, 3), frame(5000, 0)), ['100-3 stale', '5000-0 gap']);
  });

  it('holds an undone message when the stored position is behind, knowing the own contents', () => {
    const bench = new Bench();
    const messages = [0, 1, 2, 3, 4].map((index) => frame(100, index));
    bench.receive(...messages);
    assert.deepEqual(bench.adopt(storedAfter(messages.slice(0, 2)), 'contents', [messages[4]!]), []);
    assert.deepEqual(bench.receive(frame(100, 3, { upstream: 1 })), ['100-3 duplicate']);
    assert.deepEqual(bench.pass(60), ['100-4 gap']);
  });

  it('sends the held message in order when another ingest publishes the missing one', () => {
    const bench = new Bench();
    const messages = [0, 1, 2, 3].map((index) => frame(100, index));
    bench.receive(...messages.slice(0, 2), messages[3]!);
    assert.deepEqual(bench.adopt(storedAfter(messages.slice(0, 3))), ['100-3']);
    assert.deepEqual(bench.gapEnds, ['0 repaired']);
  });

  it('drops a held message that another ingest published', () => {
    const bench = new Bench();
    const messages = [0, 1, 2, 3].map((index) => frame(100, index));
    bench.receive(...messages.slice(0, 2), messages[3]!, other('x'));
    assert.deepEqual(bench.adopt(storedAfter(messages)), ['100-3 duplicate', 'x']);
    assert.deepEqual(bench.gapEnds, ['0 repaired']);
  });

  it('keeps the first hold time of what is held', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0), frame(100, 2));
    bench.pass(50);
    bench.adopt(storedAfter([frame(100, 0)]));
    assert.equal(bench.sequencer.deadline(), 60);
    assert.deepEqual(bench.pass(10), ['100-2 gap']);
    assert.deepEqual(bench.gapEnds, ['0 lost']);
  });

  it('does not hold a message a second time that went out when its time was up, nor counts its gap twice', () => {
    const bench = new Bench();
    const early = frame(100, 2);
    bench.receive(frame(100, 0), early);
    bench.pass(60);
    assert.deepEqual(bench.adopt(storedAfter([frame(100, 0), other('beat')]), 'nothing', [early]), []);
    assert.deepEqual(bench.pass(0), ['100-2 gap']);
    assert.deepEqual(bench.gapEnds, ['0 lost']);
  });

  it('puts undone messages before what is held', () => {
    const bench = new Bench();
    const second = frame(100, 1);
    bench.receive(frame(100, 0), second, frame(100, 3));
    assert.deepEqual(bench.adopt(storedAfter([frame(100, 0)]), 'nothing', [second]), ['100-1']);
    assert.deepEqual(bench.receive(frame(100, 2)), ['100-2', '100-3']);
  });

  it('keeps the order of one upstream when undone messages are held', () => {
    const bench = new Bench();
    const [flashblock, beat] = [frame(100, 2), other('beat')];
    bench.receive(frame(100, 0), frame(100, 1), flashblock, beat);
    assert.deepEqual(bench.adopt(storedAfter([frame(100, 0)]), 'nothing', [flashblock, beat]), []);
    assert.deepEqual(bench.pass(60), ['100-2 gap', 'beat']);
  });

  it('forgets nothing of two blocks when a refusal leads back to the first of them', () => {
    const bench = new Bench();
    const next = [frame(101, 0), frame(101, 1)];
    bench.receive(frame(100, 0), frame(100, 1), frame(100, 2), ...next, frame(101, 0, { payload: 'b' }));
    bench.adopt(storedAfter([frame(100, 0), frame(100, 1), frame(100, 2)]), 'nothing', next);
    assert.deepEqual(bench.pass(600), ['101-0/b takeover']);
  });
});

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

describe('adopt: rule 5, what other ingests published', () => {
  const late = () => other('beat', { readAt: 0 });
  const cases: [string, ReturnType<typeof publisher>[], string][] = [
    ['another ingest published last', [publisher('this', 5), publisher('that', 6)], 'beat duplicate'],
    ['an earlier run of this ingest published last', [publisher('this', 6, 's0')], 'beat duplicate'],
    ['this ingest published last', [publisher('this', 7), publisher('that', 6)], 'beat'],
    ['nobody published', [], 'beat'],
  ];
  for (const [title, publishers, expected] of cases) {
    it(`with one that waited over a second: ${title}`, () => {
      const bench = new Bench();
      bench.now = 1001;
      bench.adopt(storedAfter([], { publishers }));
      assert.deepEqual(bench.receive(late()), [expected]);
    });
  }

  it('passes on one that waited for a second or less', () => {
    const bench = new Bench();
    bench.now = 1000;
    bench.adopt(storedAfter([], { publishers: [publisher('that', 6)] }));
    assert.deepEqual(bench.receive(late()), ['beat']);
  });

  it('drops one that was read right after a stall when another ingest published meanwhile', () => {
    const bench = new Bench();
    bench.adopt(storedAfter([], { publishers: [publisher('that', 6)] }));
    assert.deepEqual(bench.receive(other('beat', { afterStall: true })), ['beat duplicate']);
    assert.deepEqual(bench.receive(frame(100, 0, { afterStall: true })), ['100-0']);
  });

  it('judges the wait when it decides again', () => {
    const bench = new Bench();
    const message = late();
    assert.deepEqual(bench.receive(message), ['beat']);
    bench.now = 1500;
    assert.deepEqual(bench.adopt(storedAfter([], { publishers: [publisher('that', 6)] }), 'nothing', [message]), [
      'beat duplicate',
    ]);
  });

  it('knows that nobody else published after its own next publish, but not of what was read before', () => {
    const bench = new Bench();
    const before = other('before', { readAt: 0 });
    bench.now = 100;
    bench.adopt(storedAfter([], { publishers: [publisher('that', 6)] }));
    bench.receive(frame(100, 0));
    bench.now = 5000;
    assert.deepEqual(bench.receive(before, other('after', { readAt: 200 })), ['before duplicate', 'after']);
  });

  it('gives the same decisions for the same calls', () => {
    const run = () => {
      const bench = new Bench();
      bench.receive(frame(100, 0), frame(100, 2), other('x'));
      const again = bench.sequencer.adopt(storedAfter([frame(100, 0)]), 'nothing', [], 10).map(describeDecision);
      return [again, bench.pass(100), bench.gapEnds, bench.sequencer.recentContents(500)];
    };
    assert.deepEqual(run(), run());
  });
});
