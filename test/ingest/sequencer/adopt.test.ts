import assert from 'node:assert/strict';
import { Bench, frame, other, storedAfter } from './support.ts';

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

  it('starts from an expired state that is newer than its own position, as after minutes in which it stood still', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0), frame(100, 1));
    bench.now = 300_000;
    const late = frame(100, 2, { readAt: 300_000 });
    bench.receive(late);
    const expired = storedAfter([frame(250, 9), frame(250, 10)], { acceptedAgeMs: 13_000, flashblockAgeMs: 13_000 });
    assert.deepEqual(bench.adopt(expired, 'everything', [late]), ['100-2 stale']);
    assert.deepEqual(bench.receive(frame(251, 0)), ['251-0']);
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

  it('counts what is held once over an adopt', () => {
    const bench = new Bench();
    bench.receive(frame(100, 0), ...[2, 3, 4].map((index) => frame(100, index, { bytes: 10_000 })));
    bench.adopt(storedAfter([frame(100, 0)]));
    assert.deepEqual(bench.receive(frame(100, 5, { bytes: 10_000 })), []);
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
