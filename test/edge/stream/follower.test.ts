import { strict as assert } from 'node:assert';
import { Follower, type FollowerAction } from '../../../edge/stream/follower.ts';
import type { HistoryRead, StreamBounds } from '../../../shared/backplane/backplane.ts';
import { contentHashOf, type Envelope } from '../../../shared/envelope.ts';
import { envelopeOf, envelopesOf, idOf, tokenOf } from './envelopes.ts';

const BOUNDS: StreamBounds = { streamMaxMessages: 50, streamMaxBytes: 1_000_000, streamRetentionMs: 12_000 };

const history = (envelopes: readonly Envelope[], oldestSequence = envelopes[0]?.sequence): HistoryRead => ({
  envelopes,
  oldestSequence,
});
const contentOf = (text: string) => {
  const plain = Buffer.from(text);
  return { plain, contentHash: contentHashOf(plain) };
};

/** A follower with what it did so far. */
class Followed {
  readonly follower: Follower;
  readonly delivered: string[] = [];
  readonly sources: string[] = [];
  reads: number[] = [];
  lost = 0;
  epochs = 0;
  missingHeads: number[] = [];
  now = 0;

  constructor(bounds: Partial<StreamBounds> = {}) {
    this.follower = new Follower({ ...BOUNDS, ...bounds });
  }

  /** Started on a stream that ends at `sequence`. */
  static at(sequence: number, bounds?: Partial<StreamBounds>): Followed {
    const followed = new Followed(bounds);
    followed.do(followed.follower.available(true));
    followed.read(history(envelopesOf(1, sequence)));
    followed.forget();
    return followed;
  }

  forget(): void {
    this.delivered.length = 0;
    this.sources.length = 0;
    this.reads = [];
  }

  do(actions: readonly FollowerAction[]): void {
    for (const action of actions) {
      if (action.action === 'readHistory') {
        this.reads.push(action.afterSequence);
      } else if (action.action === 'epochChanged') {
        this.epochs += 1;
      } else if (action.action === 'headMissing') {
        this.missingHeads.push(action.sequence);
      } else {
        this.delivered.push(action.delivery.envelope.payload.toString());
        this.sources.push(action.source);
        this.lost += action.delivery.lostBefore;
      }
    }
  }

  live(...envelopes: Envelope[]): void {
    for (const envelope of envelopes) this.do(this.follower.live(envelope));
  }

  read(read: HistoryRead): void {
    this.do(this.follower.historyRead(read));
  }

  head(sequence: number, token = tokenOf(sequence)): void {
    this.do(this.follower.headRead({ epoch: idOf('A'), sequence, token }));
  }

  pass(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.now + 250);
      this.do(this.follower.tick(this.now));
    }
  }
}

const contents = (first: number, last: number, branch = '') =>
  envelopesOf(first, last, { branch }).map(({ payload }) => payload.toString());

describe('follower at start', () => {
  it('reads the whole history once the live feed works, and not before', () => {
    const followed = new Followed();
    followed.pass(2000);
    assert.deepEqual(followed.reads, []);
    followed.do(followed.follower.available(true));
    assert.deepEqual(followed.reads, [0]);
  });

  it('fills itself from the history, then goes on with what arrived meanwhile, each message once', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.live(...envelopesOf(4, 6));
    assert.equal(followed.follower.filled, false);
    assert.deepEqual(followed.delivered, []);
    followed.read(history(envelopesOf(2, 5)));
    assert.equal(followed.follower.filled, true);
    assert.deepEqual(followed.delivered, contents(2, 6));
    assert.deepEqual(followed.sources, ['fill', 'fill', 'fill', 'fill', 'live']);
    assert.equal(followed.lost, 0);
    assert.deepEqual(followed.reads, [0]);
  });

  it('is filled by an empty history, and takes the first message of a stream at once', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.read(history([]));
    assert.equal(followed.follower.filled, true);
    followed.live(envelopeOf(1));
    assert.deepEqual(followed.delivered, contents(1, 1));
  });

  it('does not take a message without a predecessor for the first where its number says that others were before it', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.read(history([]));
    followed.live(envelopeOf(8, { predecessor: '' }));
    assert.deepEqual([followed.delivered, followed.reads], [[], [0, 0]]);
  });

  it('reads the history again where the first live message is not the first of the stream', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.read(history([], 3));
    followed.live(envelopeOf(9));
    assert.deepEqual(followed.reads, [0, 0]);
    followed.read(history(envelopesOf(8, 9), 3));
    assert.deepEqual(followed.delivered, contents(8, 9));
    assert.equal(followed.lost, 0);
  });

  it('reads again at once for a message that arrived while an empty history was read', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.live(envelopeOf(9));
    followed.read(history([], 3));
    assert.deepEqual(followed.reads, [0, 0]);
    followed.read(history([envelopeOf(9)], 3));
    assert.deepEqual(followed.delivered, contents(9, 9));
  });
});

describe('follower, live', () => {
  it('delivers the next message in the very call, with nothing read', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(4), envelopeOf(5));
    assert.deepEqual(followed.delivered, contents(4, 5));
    assert.deepEqual(followed.sources, ['live', 'live']);
    assert.deepEqual(followed.reads, []);
  });

  it('drops a message that it delivered', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(3), envelopeOf(4), envelopeOf(4), envelopeOf(2));
    assert.deepEqual(followed.delivered, contents(4, 4));
    assert.deepEqual(followed.reads, []);
  });

  it('delivers a content that recurs, as the ingest let it pass', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(4, contentOf('{"heartbeat":1}')), envelopeOf(5, contentOf('{"heartbeat":1}')));
    assert.deepEqual(followed.delivered, ['{"heartbeat":1}', '{"heartbeat":1}']);
  });

  it('does not take a message for the next that has the right predecessor and an older number', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(2, { branch: 'x', predecessor: tokenOf(3) }));
    assert.deepEqual([followed.delivered, followed.reads], [[], [2]]);
  });

  it('leaves behind what waits on a branch that the stream has left', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(6, { branch: 'dead' }), envelopeOf(4));
    assert.deepEqual(followed.delivered, contents(4, 4));
    assert.equal(followed.follower.waiting, 0);
  });

  it('delivers the next message at once also while the history is read for another reason', () => {
    const followed = Followed.at(3);
    followed.do(followed.follower.available(true));
    assert.deepEqual(followed.reads, [2]);
    followed.live(envelopeOf(4));
    assert.deepEqual(followed.delivered, contents(4, 4));
    followed.read(history(envelopesOf(3, 3)));
    followed.live(envelopeOf(5));
    assert.deepEqual(followed.delivered, contents(4, 5));
    assert.deepEqual(followed.reads, [2]);
  });

  it('takes the chain of tokens over the number where a stored message was never published', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5, { predecessor: tokenOf(3) }));
    assert.equal(followed.delivered.length, 1);
    assert.equal(followed.lost, 0);
  });
});

describe('follower with an envelope whose predecessor is not the last token', () => {
  it('reads the history from the last message on first, while later ones wait', () => {
    const followed = Followed.at(3);
    followed.live(...envelopesOf(6, 8));
    assert.deepEqual(followed.reads, [2]);
    assert.deepEqual(followed.delivered, []);
    followed.read(history(envelopesOf(3, 7)));
    assert.deepEqual(followed.delivered, contents(4, 8));
    assert.deepEqual(followed.sources, ['history', 'history', 'live', 'live', 'live']);
    assert.equal(followed.lost, 0);
    assert.equal(followed.follower.waiting, 0);
  });

  it('reads once more for a message that was skipped while the history was read', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5));
    followed.live(envelopeOf(7));
    followed.read(history(envelopesOf(3, 5)));
    assert.deepEqual(followed.delivered, contents(4, 5));
    assert.deepEqual(followed.reads, [2, 4]);
    followed.read(history(envelopesOf(5, 7)));
    assert.deepEqual(followed.delivered, contents(4, 7));
    assert.equal(followed.lost, 0);
  });

  it('counts by number what has left the history', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(9));
    followed.read(history(envelopesOf(7, 9)));
    assert.deepEqual(followed.delivered, contents(7, 9));
    assert.equal(followed.lost, 3);
    assert.deepEqual(followed.reads, [2]);
  });

  it('goes on from what waits where the history ends before it', () => {
    const followed = Followed.at(3);
    followed.do(followed.follower.available(true));
    followed.live(...envelopesOf(5, 9));
    followed.forget();
    followed.read(history(envelopesOf(3, 4)));
    assert.deepEqual(followed.delivered, contents(4, 9));
    followed.forget();
    followed.live(...envelopesOf(11, 14));
    followed.read(history(envelopesOf(13, 14)));
    assert.deepEqual(followed.delivered, contents(13, 14));
    assert.equal(followed.lost, 3);
  });

  it('keeps a message that comes twice once', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5), envelopeOf(6), envelopeOf(5));
    assert.equal(followed.follower.waiting, 2);
  });

  it('keeps within the bound of messages while it waits; the oldest are read from the history again', () => {
    const followed = Followed.at(3, { streamMaxMessages: 4 });
    followed.live(...envelopesOf(5, 20));
    assert.equal(followed.follower.waiting, 4);
    followed.read(history(envelopesOf(3, 6)));
    assert.deepEqual(followed.reads, [2, 5]);
    followed.read(history(envelopesOf(17, 20)));
    assert.deepEqual(followed.delivered, [...contents(4, 6), ...contents(17, 20)]);
    assert.equal(followed.lost, 10);
    assert.equal(followed.follower.waiting, 0);
  });

  it('keeps within the bound of bytes while it waits, and always keeps the newest', () => {
    const followed = Followed.at(3, { streamMaxBytes: 100 });
    followed.live(...[5, 6, 7].map((sequence) => envelopeOf(sequence, { plain: Buffer.alloc(40, `${sequence}`) })));
    assert.equal(followed.follower.waiting, 2);
    followed.live(envelopeOf(8, { plain: Buffer.alloc(400, '8') }));
    assert.equal(followed.follower.waiting, 1);
  });

  it('drops what the stored stream passed over', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(4, { branch: 'dead', predecessor: idOf('never stored') }));
    followed.read(history(envelopesOf(3, 5)));
    assert.deepEqual(followed.delivered, contents(4, 5));
    assert.equal(followed.follower.waiting, 0);
    assert.equal(followed.lost, 0);
  });
});

describe('follower whose last entry is gone or has another token', () => {
  it('goes back to the newest shared token and delivers what follows', () => {
    const followed = Followed.at(8);
    const branch = [
      ...envelopesOf(3, 6),
      envelopeOf(7, { branch: 'b', predecessor: tokenOf(6) }),
      envelopeOf(8, { branch: 'b' }),
    ];
    followed.live(envelopeOf(9, { branch: 'b' }));
    followed.read(history([...branch.slice(-1), envelopeOf(9, { branch: 'b' })]));
    assert.deepEqual(followed.reads, [7, 0]);
    followed.read(history([...branch, envelopeOf(9, { branch: 'b' })]));
    assert.deepEqual(followed.delivered, contents(7, 9, 'b'));
    assert.equal(followed.lost, 0);
    followed.live(envelopeOf(10, { branch: 'b' }));
    assert.deepEqual(followed.delivered, contents(7, 10, 'b'));
  });

  it('delivers again nothing that it holds by content', () => {
    const followed = Followed.at(8);
    const repeated = envelopeOf(7, { branch: 'b', predecessor: tokenOf(6), ...contentOf('{"n":"8"}') });
    followed.live(envelopeOf(8, { branch: 'b' }));
    followed.read(history([envelopeOf(8, { branch: 'b' })]));
    followed.read(history([...envelopesOf(3, 6), repeated, envelopeOf(8, { branch: 'b' })]));
    assert.deepEqual(followed.delivered, contents(8, 8, 'b'));
    assert.equal(followed.lost, 0);
    followed.live(envelopeOf(9, { branch: 'b', ...contentOf('{"n":"7"}') }));
    assert.deepEqual(followed.delivered, contents(8, 8, 'b'));
  });

  it('sees it also where the history ends before the last number', () => {
    const followed = Followed.at(8);
    followed.live(envelopeOf(6, { branch: 'b', predecessor: tokenOf(5) }));
    followed.read(history([], 1));
    assert.deepEqual(followed.reads, [7, 0]);
    followed.read(history([...envelopesOf(1, 5), envelopeOf(6, { branch: 'b', predecessor: tokenOf(5) })]));
    assert.deepEqual(followed.delivered, contents(6, 6, 'b'));
    assert.equal(followed.lost, 0);
  });

  it('delivers nothing that stands before the newest shared message, known or not', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.read(history(envelopesOf(5, 8)));
    followed.forget();
    followed.live(envelopeOf(8, { branch: 'b', predecessor: tokenOf(7) }));
    followed.read(history([], 2));
    followed.read(history([...envelopesOf(2, 7), envelopeOf(8, { branch: 'b', predecessor: tokenOf(7) })]));
    assert.deepEqual(followed.delivered, contents(8, 8, 'b'));
  });

  it('counts at least one as lost where nothing is shared any more', () => {
    const followed = Followed.at(8);
    followed.live(envelopeOf(9, { branch: 'b' }));
    followed.read(history(envelopesOf(8, 9, { branch: 'b' })));
    followed.read(history(envelopesOf(8, 9, { branch: 'b' })));
    assert.deepEqual(followed.delivered, contents(8, 9, 'b'));
    assert.equal(followed.lost, 1);
  });

  it('asks no whole history where the entries after the last number show that it is the same', () => {
    const followed = Followed.at(8);
    followed.live(envelopeOf(11));
    followed.read(history(envelopesOf(9, 11), 2));
    assert.deepEqual(followed.delivered, contents(9, 11));
    assert.deepEqual(followed.reads, [7]);
  });
});

describe('follower with a quiet channel', () => {
  it('reads the history within half a second of a head check that found another head', () => {
    const followed = Followed.at(3);
    followed.head(5);
    assert.deepEqual(followed.reads, []);
    followed.pass(500);
    assert.deepEqual(followed.reads, [2]);
    followed.read(history(envelopesOf(3, 5)));
    assert.deepEqual(followed.delivered, contents(4, 5));
    assert.deepEqual(followed.sources, ['history', 'history']);
  });

  it('reads nothing where the head is its own, or the channel was only later than the check', () => {
    const followed = Followed.at(3);
    followed.head(3);
    followed.pass(1000);
    followed.head(4);
    followed.live(envelopeOf(4));
    followed.pass(1000);
    followed.head(3);
    followed.pass(1000);
    followed.do(followed.follower.headRead(undefined));
    followed.pass(1000);
    assert.deepEqual(followed.reads, []);
  });

  it('tells since when the head is ahead, until it has caught up', () => {
    const followed = Followed.at(3);
    followed.pass(1000);
    assert.equal(followed.follower.behindSince, undefined);
    followed.head(4);
    followed.pass(1000);
    followed.do(followed.follower.historyFailed());
    followed.head(5);
    followed.pass(1000);
    assert.equal(followed.follower.behindSince, 1000);
    followed.read(history(envelopesOf(3, 5)));
    assert.equal(followed.follower.behindSince, undefined);
  });

  for (const [what, read] of [
    ['ends before it', history(envelopesOf(2, 3))],
    ['is gone', { envelopes: [], oldestSequence: undefined }],
  ] as const) {
    it(`gives up a head after three reads of a history that ${what}, says so once, and goes on with live messages`, () => {
      const followed = Followed.at(3);
      for (let second = 0; second < 10; second += 1) {
        followed.head(5);
        followed.pass(1000);
        if (followed.reads.length > second) followed.read(read);
      }
      assert.equal(followed.reads.length, 3);
      assert.deepEqual(followed.missingHeads, [5]);
      assert.equal(followed.follower.behindSince, undefined);
      followed.live(...envelopesOf(6, 6));
      followed.read(history(envelopesOf(6, 6)));
      followed.live(...envelopesOf(7, 7));
      assert.deepEqual(followed.delivered, contents(6, 7));
      assert.equal(followed.lost, 2);
    });
  }

  it('is not behind a head whose entry in the history cannot be read', () => {
    const followed = Followed.at(3);
    followed.head(4);
    followed.pass(500);
    followed.read({ ...history(envelopesOf(3, 3)), newestSequence: 4 });
    assert.equal(followed.follower.behindSince, undefined);
    assert.deepEqual(followed.missingHeads, []);
    followed.head(4);
    followed.pass(5000);
    assert.deepEqual(followed.reads, [2]);
  });

  it('is not behind a head that the history gives no more, and asks for it once', () => {
    const followed = Followed.at(3);
    for (let check = 0; check < 5; check += 1) {
      followed.head(9);
      followed.pass(1000);
      while (followed.reads.length < 2 && check === 0) followed.read(history([], 1));
    }
    assert.deepEqual(followed.reads, [2, 0]);
    followed.read(history([], 1));
    followed.head(9);
    assert.equal(followed.follower.behindSince, undefined);
    followed.live(envelopeOf(10));
    followed.read(history([envelopeOf(10)], 1));
    assert.equal(followed.lost, 6);
  });
});

describe('follower and a history that cannot be had', () => {
  it('tries a failed read again after a second, one at a time', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5));
    followed.do(followed.follower.historyFailed());
    followed.live(envelopeOf(6));
    followed.pass(750);
    assert.deepEqual(followed.reads, [2]);
    followed.pass(250);
    assert.deepEqual(followed.reads, [2, 2]);
    followed.live(envelopeOf(7));
    followed.pass(3000);
    assert.deepEqual(followed.reads, [2, 2]);
    followed.read(history(envelopesOf(3, 6)));
    assert.deepEqual(followed.delivered, contents(4, 7));
  });

  for (const [answer, read] of [
    ['empty', history([])],
    ['out of order', history([envelopeOf(5), envelopeOf(4)])],
    ['older than the message that waits', history(envelopesOf(2, 3))],
  ] as const) {
    it(`asks no more than once a second while the answer is ${answer}`, () => {
      const followed = Followed.at(3);
      followed.live(envelopeOf(5));
      for (let second = 0; second < 5; second += 1) {
        followed.read(read);
        followed.live(envelopeOf(6 + second));
        followed.pass(1000);
      }
      assert.equal(followed.reads.length, 6);
      followed.read(history(envelopesOf(3, 10)));
      assert.deepEqual(followed.delivered, contents(4, 10));
    });
  }

  it('waits for the backplane while it is away and reads when it is back', () => {
    const followed = Followed.at(3);
    followed.do(followed.follower.available(false));
    followed.live(envelopeOf(5));
    followed.pass(5000);
    assert.deepEqual(followed.reads, []);
    followed.do(followed.follower.available(true));
    assert.deepEqual(followed.reads, [2]);
  });

  it('reads again after a reconnect also where a read from before it is under way', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5));
    followed.do(followed.follower.available(false));
    followed.do(followed.follower.available(true));
    assert.deepEqual(followed.reads, [2]);
    followed.read(history(envelopesOf(3, 5)));
    assert.deepEqual(followed.reads, [2, 4]);
  });

  it('goes on without it once what is missing is older than the retention, and says how much is lost', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(6), envelopeOf(7));
    for (let second = 0; second < 12; second += 1) {
      assert.deepEqual(followed.delivered, []);
      followed.do(followed.follower.historyFailed());
      followed.pass(1000);
    }
    followed.pass(250);
    assert.deepEqual(followed.delivered, contents(6, 7));
    assert.equal(followed.lost, 2);
    followed.read(history(envelopesOf(6, 7), 1));
    followed.live(envelopeOf(8));
    assert.deepEqual(followed.delivered, contents(6, 8));
  });

  it('does not give up while it gets on, however long something waits', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(5));
    for (let sequence = 5; sequence < 35; sequence += 2) {
      followed.pass(1000);
      followed.live(envelopeOf(sequence + 2));
      followed.read(history(envelopesOf(sequence - 2, sequence)));
      assert.equal(followed.follower.waiting, 1);
    }
    assert.deepEqual(followed.delivered, contents(4, 33));
    assert.equal(followed.lost, 0);
  });

  it('goes on at once where all that is stored is older than the retention', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(6));
    followed.read(history([], 4));
    assert.deepEqual(followed.delivered, contents(6, 6));
    assert.equal(followed.lost, 2);
    assert.deepEqual(followed.reads, [2]);
  });

  it('drops in the end what the history, time and again, does not have', () => {
    const followed = Followed.at(3);
    followed.live(envelopeOf(9, { branch: 'dead' }));
    for (let second = 0; second < 13; second += 1) {
      followed.read(history(envelopesOf(2, 3)));
      followed.pass(1000);
    }
    assert.deepEqual([followed.delivered, followed.follower.waiting], [[], 0]);
    followed.read(history(envelopesOf(2, 3)));
    followed.live(envelopeOf(4));
    assert.deepEqual(followed.delivered, contents(4, 4));
    assert.equal(followed.lost, 0);
  });

  it('counts no time in which the event loop stood still', () => {
    const followed = Followed.at(3);
    followed.head(5);
    followed.live(envelopeOf(5));
    followed.pass(5000);
    followed.now += 60_000;
    followed.follower.restartTime(followed.now);
    followed.pass(11_000);
    assert.deepEqual(followed.delivered, []);
    assert.equal(followed.follower.behindSince, 65_000);
    followed.read(history(envelopesOf(3, 5)));
    assert.deepEqual(followed.delivered, contents(4, 5));
  });
});

describe('follower and a new epoch', () => {
  const inB = (sequence: number, fields: Parameters<typeof envelopeOf>[1] = {}) =>
    envelopeOf(sequence, { epoch: idOf('B'), branch: 'b', previousEpoch: idOf('A'), previousSequence: 8, ...fields });
  const at = (blockNumber: number, index: number) => ({ position: { blockNumber, index } });

  it('carries on from its first message and counts the change', () => {
    const followed = Followed.at(8);
    followed.live(inB(9, { predecessor: tokenOf(8) }), inB(10));
    assert.deepEqual(followed.delivered, contents(9, 10, 'b'));
    assert.deepEqual([followed.epochs, followed.lost], [1, 0]);
    assert.deepEqual(followed.reads, []);
  });

  it('repeats nothing for the retention, by content, and lets contents recur after it', () => {
    const followed = Followed.at(8);
    followed.pass(1000);
    followed.live(inB(9, { predecessor: tokenOf(8), ...contentOf('{"n":"8"}') }));
    followed.pass(12_000);
    followed.live(inB(10, contentOf('{"n":"7"}')), inB(11));
    assert.deepEqual(followed.delivered, contents(11, 11, 'b'));
    followed.pass(500);
    followed.live(inB(12, contentOf('{"n":"7"}')));
    assert.equal(followed.delivered.at(-1), '{"n":"7"}');
    assert.equal(followed.lost, 0);
  });

  it('delivers first what the old epoch still has in the history', () => {
    const followed = Followed.at(6);
    followed.live(inB(9, { predecessor: '' }));
    assert.deepEqual(followed.reads, [5]);
    followed.read(history([...envelopesOf(6, 8), inB(9, { predecessor: '' })]));
    assert.deepEqual(followed.delivered, [...contents(7, 8), ...contents(9, 9, 'b')]);
    assert.deepEqual([followed.epochs, followed.lost], [1, 0]);
  });

  it('tells exactly what was lost between by the last number of the epoch before', () => {
    const followed = Followed.at(3);
    followed.live(inB(9, { predecessor: '' }), inB(10));
    followed.read(history([inB(9, { predecessor: '' })]));
    assert.deepEqual(followed.delivered, contents(9, 10, 'b'));
    assert.deepEqual([followed.epochs, followed.lost], [1, 5]);
  });

  it('counts what a failover discarded and nobody had but the ingest', () => {
    const followed = Followed.at(6);
    followed.live(inB(9, { predecessor: tokenOf(6) }));
    assert.equal(followed.lost, 2);
  });

  it('counts nothing that it had before the failover discarded it', () => {
    const followed = Followed.at(8);
    const onBranch = envelopeOf(6, { branch: 'c', predecessor: tokenOf(5) });
    followed.live(onBranch);
    followed.read(history([], 1));
    followed.read(history([...envelopesOf(1, 5), onBranch]));
    followed.live(inB(9, { predecessor: onBranch.token }));
    assert.deepEqual(followed.delivered, [...contents(6, 6, 'c'), ...contents(9, 9, 'b')]);
    assert.equal(followed.lost, 0);
  });

  it('never comes back to the epoch before it, even where the history cannot be had', () => {
    const followed = new Followed();
    followed.do(followed.follower.available(true));
    followed.live(envelopeOf(5));
    followed.read(history([inB(9, { predecessor: '' })]));
    for (let second = 0; second < 14; second += 1) {
      followed.do(followed.follower.historyFailed());
      followed.pass(1000);
    }
    assert.deepEqual(followed.delivered, contents(9, 9, 'b'));
    assert.equal(followed.follower.waiting, 0);
  });

  it('counts over an epoch of which nothing is left', () => {
    const followed = Followed.at(8);
    const first = inB(15, { previousEpoch: idOf('unknown'), previousSequence: 12 });
    followed.live(first);
    followed.read(history([first]));
    assert.equal(followed.lost, 6);
  });

  it('counts the beginning of the new epoch where the edge had seen more of the old one than its writer', () => {
    const followed = Followed.at(8);
    const third = inB(7, { previousSequence: 4 });
    followed.live(third);
    followed.read(history([], 5));
    followed.read(history([third]));
    assert.deepEqual([followed.delivered.length, followed.lost], [1, 2]);
  });

  for (const [missing, last, first, lost] of [
    ['indexes of the same block', at(100, 3), at(100, 6), 2],
    ['the first indexes of the next block', at(100, 3), at(101, 2), 2],
    ['a block, at least one message of it,', at(100, 3), at(102, 0), 1],
    ['nothing before the very next index', at(100, 3), at(100, 4), 0],
    ['nothing before the next block', at(100, 3), at(101, 0), 0],
    ['nothing before an older position', at(100, 3), at(99, 7), 0],
    ['no more than 64 blocks before an absurd one', at(100, 3), at(9_000_000_000_000_000, 0), 63],
  ] as const) {
    it(`counts by position ${missing} where the last writer died too`, () => {
      const followed = Followed.at(8);
      followed.live(envelopeOf(9, last));
      const fresh = inB(1, { previousEpoch: '', previousSequence: 0, ...first });
      followed.live(fresh);
      followed.read(history([], 1));
      followed.read(history([fresh]));
      followed.live(inB(2, at(100, 9)));
      assert.equal(followed.delivered.length, 3);
      assert.deepEqual([followed.epochs, followed.lost], [1, lost]);
    });
  }

  it('counts by position no message twice that it counted by number', () => {
    const followed = Followed.at(7);
    followed.live(envelopeOf(8, at(100, 3)));
    const first = inB(11, { predecessor: '', previousSequence: 10 });
    followed.live(first);
    followed.read(history([first]));
    assert.equal(followed.lost, 2);
    followed.live(inB(12, at(100, 9)));
    assert.equal(followed.lost, 5);
  });

  it('counts nothing by position where the stream starts a new run', () => {
    const followed = Followed.at(7);
    followed.live(envelopeOf(8, at(100, 3)));
    const first = inB(9, { predecessor: '', restart: true, ...at(150, 0) });
    followed.live(first);
    followed.read(history([envelopeOf(8, at(100, 3)), first]));
    assert.deepEqual([followed.delivered.length, followed.lost], [2, 0]);
  });
});
