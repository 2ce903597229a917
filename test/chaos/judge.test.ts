import assert from 'node:assert/strict';
import { judgeClient, type ClientRecord, type ClientVerdict, type Mark } from './judge.ts';
import type { TruthEntry } from './truth.ts';

/** Ten messages, one every 100 ms from 0 on, whose contents are called 0 to 9. */
const TRUTH: readonly TruthEntry[] = Array.from({ length: 10 }, (_, index) => ({
  position: { blockNumber: 7, index },
  contentHash: String(index),
  publishedAt: 100 * index,
}));
const ALL = '0123456789';

/** A client that got these contents, each 5 ms after it was published, unless it says when. */
function judge(
  contents: string,
  { receivedAt, seams = [], marks = [] }: Partial<ClientRecord> & { readonly marks?: readonly Mark[] } = {},
): ClientVerdict {
  const received = Array.from(contents);
  const record: ClientRecord = {
    number: 3,
    received,
    receivedAt: receivedAt ?? received.map((content) => 100 * Number(content) + 5),
    seams,
  };
  return judgeClient(TRUTH, record, marks, 1000);
}

describe('chaos: the judge of one client', () => {
  it('finds nothing wrong with a client that got everything, or everything from its first message on', () => {
    for (const contents of [ALL, '456789', '9']) {
      const { lost, repeated, outOfOrder, foreign } = judge(contents);
      assert.deepEqual({ lost, repeated, outOfOrder, foreign }, { lost: [], repeated: [], outOfOrder: [], foreign: 0 });
    }
  });

  it('finds what was lost between two messages and at the end', () => {
    assert.deepEqual(judge('01456').lost, [2, 3, 7, 8, 9]);
  });

  it('finds everything lost at a client that got nothing', () => {
    assert.equal(judge('').lost.length, 10);
  });

  it('tells what came again from what came late', () => {
    const again = judge('01213456789');
    assert.deepEqual([again.repeated, again.outOfOrder], [[1], []]);
    const late = judge('0231456789');
    assert.deepEqual([late.repeated, late.outOfOrder, late.lost], [[], [1], []]);
  });

  it('counts what nobody published', () => {
    assert.equal(judge('01x23456789y').foreign, 2);
  });

  it('counts as told what a resume passed over that said so, and nothing else', () => {
    const url = 'ws://edge';
    const seams = (outcome: string | undefined) => [
      { at: 0, url, outcome: undefined },
      { at: 3, url, outcome },
    ];
    for (const [outcome, told] of [
      ['partial', 2],
      ['live', 2],
      ['complete', 0],
      [undefined, 0],
    ] as const) {
      const verdict = judge('01256789', { seams: seams(outcome) });
      assert.deepEqual([verdict.lost, verdict.told], [[3, 4], told]);
    }
    assert.equal(judge('0125689', { seams: seams('partial') }).told, 2, 'the loss of 7 is another one');
  });

  it('measures silence from when something was there to be had', () => {
    assert.equal(judge(ALL).silenceMs, 5);
    assert.equal(judge('012', { receivedAt: [5, 105, 705] }).silenceMs, 505, 'from the publishing of 2 to its arrival');
    assert.equal(judge('0123456').silenceMs, 300, 'from the publishing of 7 to the end');
  });

  it('does not take a quiet stream for silence', () => {
    const quiet = TRUTH.map((entry, at) => ({ ...entry, publishedAt: at < 5 ? 100 * at : 5000 + 100 * at }));
    const receivedAt = quiet.map(({ publishedAt }) => publishedAt + 7);
    const { silenceMs } = judgeClient(quiet, { number: 0, received: Array.from(ALL), receivedAt, seams: [] }, [], 6000);
    assert.equal(silenceMs, 7);
  });

  it('measures recovery: until all from before the mark is there, and how long the first one after it took', () => {
    const marks = [{ what: 'back', at: 450 }];
    const early = [5, 105, 205];
    const recovered = (receivedAt: readonly number[], contents = ALL) =>
      judge(contents, { marks, receivedAt }).recoveredMs[0];
    assert.equal(recovered([...early, 305, 405, 505, 605, 705, 805, 905]), 5);
    assert.equal(recovered([...early, 700, 710, 720, 730, 740, 805, 905]), 260, 'of 4, which was due before');
    assert.equal(recovered([...early, 305, 405, 950, 951, 952, 953, 954]), 450, 'of 5, the first after it');
    assert.equal(recovered([...early, 305, 405], '01234'), Infinity);
    assert.equal(recovered([...early, 305, 405, 650], '012346'), 150, 'of 5, which is lost, until 6 came');
  });
});
