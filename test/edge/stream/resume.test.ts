import { strict as assert } from 'node:assert';
import type { Ring, RingEntry } from '../../../edge/stream/contract.ts';
import { PositionsHad } from '../../../edge/stream/positions-had.ts';
import { type Resume, compareToEntry, oldestRetained, resumeFor } from '../../../edge/stream/resume.ts';
import { parsePosition } from '../../support/positions.ts';
import { envelopeOf } from './envelopes.ts';

/** `9-1`, `9-1a` of payload a, `!9-0` a restart, `x9-1` behind a loss, `-` no position. */
const ENTRY = /^(x?)(!?)(?:-|(\d+-\d+)([a-z]?))$/;

/** A ring that is written as a line of text, and what an edge with that stream has had. */
class Stream implements Pick<Ring, 'head' | 'tail' | 'at'> {
  readonly had = new PositionsHad();
  readonly entries: RingEntry[];
  tail: number;
  oldest: number;

  /** @param gone entries that have left the ring */
  constructor(text: string, { gone = 0, old = gone }: { gone?: number; old?: number } = {}) {
    this.entries = text.split(' ').map((word, ordinal) => {
      const [, lost, restart, position, payloadId] = ENTRY.exec(word)!;
      const envelope = envelopeOf(ordinal + 1, {
        restart: restart !== '',
        ...(position !== undefined && { position: parsePosition(position) }),
        ...(payloadId && { payloadId }),
      });
      if (envelope.position !== undefined) this.had.add(envelope.position, envelope.restart);
      const lostBefore = lost === '' ? 0 : 1;
      return {
        ordinal,
        envelope,
        lostBefore,
        arrivedAt: ordinal * 100,
        bytes: 0,
        frame: () => undefined,
        scanForm: () => undefined,
      };
    });
    this.tail = gone;
    this.oldest = old;
  }

  get head(): number {
    return this.entries.length;
  }

  at(ordinal: number): RingEntry | undefined {
    return ordinal >= this.tail ? this.entries[ordinal] : undefined;
  }

  resume(position: string, payloadId?: string): Resume {
    const after = { position: parsePosition(position), ...(payloadId !== undefined && { payloadId }) };
    return resumeFor({ kind: 'position', after }, { ring: this, oldest: this.oldest, had: this.had });
  }

  snapshot(): Resume {
    return resumeFor({ kind: 'snapshot' }, { ring: this, oldest: this.oldest, had: this.had });
  }
}

/** A resume in words: its outcome, the ordinal it begins at, and the first position to come. */
function told({ outcome, cursor, from, waitsFor }: Resume): string {
  const first = from === undefined ? 'none' : `${from.blockNumber}-${from.index}`;
  return `${waitsFor === undefined ? outcome : 'wait'} ${cursor} ${first}`;
}

describe('resume', () => {
  describe('at a position that is retained', () => {
    it('goes on with the message behind it', () => {
      const stream = new Stream('9-0 9-1 9-2 10-0');
      assert.equal(told(stream.resume('9-1')), 'complete 2 9-2');
      assert.equal(told(stream.resume('9-0')), 'complete 1 9-1');
      assert.equal(told(stream.resume('9-2')), 'complete 3 10-0');
    });

    it('has nothing to send, and no first position yet, at the head', () => {
      assert.equal(told(new Stream('9-0 9-1').resume('9-1')), 'complete 2 none');
    });

    it('sends messages without a position that stand behind it, and names the first position after them', () => {
      const stream = new Stream('9-0 - 9-1 - -');
      assert.equal(told(stream.resume('9-0')), 'complete 1 9-1');
      assert.equal(told(stream.resume('9-1')), 'complete 3 none');
    });

    it('is partial across a mark, and complete behind one', () => {
      const stream = new Stream('9-0 9-1 x9-3 9-4');
      assert.equal(told(stream.resume('9-1')), 'partial 2 9-3');
      assert.equal(told(stream.resume('9-0')), 'partial 1 9-1');
      assert.equal(told(stream.resume('9-3')), 'complete 3 9-4');
    });

    it('is partial across a mark that stands at a message without a position', () => {
      assert.equal(told(new Stream('9-0 9-1 x- 9-2').resume('9-1')), 'partial 2 9-2');
    });

    it('goes over a take-over and a restart', () => {
      const stream = new Stream('9-0a 9-1a 9-2a 9-0b 9-1b !5-0c 5-1c');
      assert.equal(told(stream.resume('9-2')), 'complete 3 9-0');
      assert.equal(told(stream.resume('9-1', 'b')), 'complete 5 5-0');
    });
  });

  describe('at a position that is retained no longer', () => {
    it('begins at the oldest index 0 after it', () => {
      const stream = new Stream('8-9 9-0 9-1 9-2 10-0 10-1', { gone: 2 });
      assert.equal(told(stream.resume('8-9')), 'partial 4 10-0');
      assert.equal(told(stream.resume('9-0')), 'partial 4 10-0');
    });

    it('takes one for retained whose follower is the oldest that is', () => {
      const stream = new Stream('9-0 9-1 10-0 10-1', { gone: 0, old: 2 });
      assert.equal(told(stream.resume('9-1')), 'complete 2 10-0');
      assert.equal(told(stream.resume('9-0')), 'partial 2 10-0');
    });

    it('sends nothing that is older than the retention, also from the middle of a block', () => {
      const stream = new Stream('9-0 9-1 9-2 10-0', { old: 2 });
      assert.equal(told(stream.resume('9-0')), 'partial 3 10-0');
    });

    it('is live where no index 0 is retained', () => {
      assert.equal(told(new Stream('8-9 9-0 9-1 9-2', { gone: 2 }).resume('8-9')), 'live 4 none');
      assert.equal(told(new Stream('9-0 9-1 9-2', { old: 2 }).resume('9-0')), 'live 3 none');
    });

    it('counts the positions before a restart: those are not ahead', () => {
      const stream = new Stream('200-0 200-1 !100-0 100-1 101-0', { gone: 2 });
      assert.equal(told(stream.resume('200-1')), 'partial 2 100-0');
    });

    it('begins behind it where it is lost in the middle, and not with what the client has', () => {
      assert.equal(told(new Stream('9-0 9-1 x9-3 10-0').resume('9-2')), 'partial 3 10-0');
      assert.equal(told(new Stream('9-0 9-1 x9-3').resume('9-2')), 'live 3 none');
    });

    it('belongs to the newest run that reaches over it', () => {
      const stream = new Stream('105-0 106-0 !100-0 100-1 x100-3 101-0');
      assert.equal(told(stream.resume('100-2')), 'partial 5 101-0');
      assert.equal(told(stream.resume('105-4')), 'partial 1 106-0');
      assert.equal(told(stream.resume('99-3')), 'partial 0 105-0');
    });
  });

  describe('at a position that occurs twice', () => {
    it('goes by the payload id', () => {
      const stream = new Stream('9-0a 9-1a 9-2a 9-0b 9-1b 9-2b');
      assert.equal(told(stream.resume('9-1', 'a')), 'complete 2 9-2');
      assert.equal(told(stream.resume('9-1', 'b')), 'complete 5 9-2');
    });

    it("begins at the newest run's index 0 without one, and is partial where that passes something over", () => {
      assert.equal(told(new Stream('9-0a 9-1a 9-2a 9-0b 9-1b 9-2b').resume('9-1')), 'partial 3 9-0');
      assert.equal(told(new Stream('9-0a 9-1a 9-0b 9-1b').resume('9-1')), 'complete 2 9-0');
      assert.equal(told(new Stream('5-0 5-1 6-0 6-1 !4-0 4-1 5-0 5-1').resume('5-1')), 'partial 4 4-0');
    });

    it("begins at the taking payload's index 0 where the other one has left the ring", () => {
      const stream = new Stream('9-0a 9-1a 9-0b 9-1b 9-2b', { gone: 2 });
      assert.equal(told(stream.resume('9-1', 'a')), 'partial 2 9-0');
    });

    it('waits for the payload that is meant where another one has the position already', () => {
      const stream = new Stream('9-0a 9-1a 9-2a 9-0b 9-1b');
      assert.equal(told(stream.resume('9-2', 'b')), 'wait 5 none');
    });

    it('goes on behind what is left of the payload that is meant', () => {
      assert.equal(told(new Stream('9-0a 9-1a x9-0b 9-1b 9-2b').resume('9-2', 'a')), 'partial 2 9-0');
    });
  });

  describe('at a position that is ahead', () => {
    it('waits', () => {
      assert.equal(told(new Stream('9-0 9-1').resume('9-2')), 'wait 2 none');
      assert.equal(told(new Stream('9-0 9-1').resume('900-0')), 'wait 2 none');
    });

    it('waits where nothing has come yet', () => {
      assert.equal(told(new Stream('-').resume('9-2')), 'wait 1 none');
    });

    it('waits a moment behind a restart too, for what was not had before it', () => {
      const stream = new Stream('200-0 200-1 !100-0 100-1');
      assert.equal(told(stream.resume('100-3')), 'wait 4 none');
      assert.equal(told(stream.resume('180-3')), 'partial 0 200-0');
    });

    it('waits behind an absurd block number that was left again', () => {
      assert.equal(told(new Stream('99-0 9000000000000000-0 !100-0 100-1').resume('100-3')), 'wait 4 none');
    });
  });

  describe('with a snapshot', () => {
    it('begins at the index 0 of the current block', () => {
      const stream = new Stream('9-0 9-1 10-0 10-1 -');
      assert.equal(told(stream.snapshot()), 'complete 2 10-0');
    });

    it('begins at the index 0 of the payload that took the block over', () => {
      assert.equal(told(new Stream('9-0a 9-1a 9-0b 9-1b').snapshot()), 'complete 2 9-0');
    });

    it('is partial across a mark', () => {
      assert.equal(told(new Stream('9-0 x9-2').snapshot()), 'partial 0 9-0');
    });

    it('is live where the index 0 is not retained', () => {
      assert.equal(told(new Stream('-').snapshot()), 'live 1 none');
      assert.equal(told(new Stream('8-0 9-1 9-2').snapshot()), 'live 3 none');
      assert.equal(told(new Stream('9-0 9-1', { gone: 1 }).snapshot()), 'live 2 none');
      assert.equal(told(new Stream('9-0 9-1', { old: 1 }).snapshot()), 'live 2 none');
      assert.equal(told(new Stream('9-0a 9-1a x9-1b').snapshot()), 'live 3 none');
    });
  });

  it('finds the oldest entry that is younger than the retention', () => {
    const stream = new Stream('9-0 9-1 9-2 9-3', { gone: 1 });
    assert.equal(oldestRetained(stream, 300, 300), 1);
    assert.equal(oldestRetained(stream, 501, 300), 3);
    assert.equal(oldestRetained(stream, 500, 300), 2);
    assert.equal(oldestRetained(stream, 601, 300), 4);
  });

  it('tells whether the stream has come to a position', () => {
    const [entry] = new Stream('9-1a').entries;
    const compared = (position: string, payloadId?: string) =>
      compareToEntry({ position: parsePosition(position), ...(payloadId !== undefined && { payloadId }) }, entry!);
    assert.equal(compared('9-2'), 'before');
    assert.equal(compared('9-1'), 'reached');
    assert.equal(compared('9-1', 'a'), 'reached');
    assert.equal(compared('9-1', 'b'), 'before');
    assert.equal(compared('9-0', 'b'), 'before');
    assert.equal(compared('8-9', 'b'), 'passed');
    assert.equal(compared('9-0'), 'passed');
    assert.equal(compareToEntry({ position: parsePosition('9-1') }, new Stream('-').entries[0]!), 'before');
  });
});

describe('positions that an edge has had', () => {
  it('end at 16 stretches', () => {
    const had = new PositionsHad();
    for (let n = 0; n < 100; n += 1) assert.equal(had.add({ blockNumber: 1000 - n, index: 0 }, true), true);
    assert.equal(had.stretches, 16);
  });

  it('tell that the chain begins anew by the flag, or by a lower block', () => {
    const had = new PositionsHad();
    const added = ['9-0', '9-1', '9-0', '9-1', '20-0', '19-0', '900-0'].map((text) =>
      had.add(parsePosition(text), false),
    );
    assert.deepEqual(added, [false, false, false, false, false, true, false]);
    assert.equal(had.add(parsePosition('901-0'), true), true);
  });
});
