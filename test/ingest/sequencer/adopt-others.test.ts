import assert from 'node:assert/strict';
import { Bench, describeDecision, frame, other, storedAfter } from './support.ts';

/** A publisher as a state knows it. */
function publisher(ingestId: string, lastSequence: number, start = 's1') {
  return { ingestId, start, lastSequence, ageMs: 0 };
}

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
