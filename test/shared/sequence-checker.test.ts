import assert from 'node:assert/strict';
import { SequenceChecker, type CheckedFlashblock } from '../../shared/sequence-checker.ts';

/** `[block, index]`, `[block, index, payload]` or `[block, index, payload, content]`. */
type Step = readonly [blockNumber: number, index: number, payloadId?: string, contentHash?: string];

function flashblock([blockNumber, index, payloadId, contentHash]: Step): CheckedFlashblock {
  return {
    position: { blockNumber, index },
    ...(payloadId !== undefined && { payloadId }),
    ...(contentHash !== undefined && { contentHash }),
  };
}

/** The verdicts on a stream, one after the other. */
function verdicts(...steps: Step[]): string[] {
  const checker = new SequenceChecker();
  return steps.map((step) => checker.check(flashblock(step)).verdict);
}

describe('SequenceChecker', () => {
  it('takes the first flashblock wherever it stands', () => {
    assert.deepEqual(verdicts([500, 7]), ['ok']);
  });

  it('takes the next index and index 0 of the next block', () => {
    assert.deepEqual(verdicts([100, 3], [100, 4], [101, 0], [101, 1]), ['ok', 'ok', 'ok', 'ok']);
  });

  it('tells the repeat of the latest from a late repeat', () => {
    assert.deepEqual(verdicts([100, 3], [100, 3], [100, 4], [100, 3]), ['ok', 'repeat', 'ok', 'violation']);
  });

  it('names what was expected and what came', () => {
    const checker = new SequenceChecker();
    checker.check(flashblock([100, 3]));
    assert.deepEqual(checker.check(flashblock([100, 5])), {
      verdict: 'violation',
      expected: [
        { blockNumber: 100, index: 4 },
        { blockNumber: 101, index: 0 },
      ],
      got: { blockNumber: 100, index: 5 },
    });
  });

  it('finds a skipped index, an older one, and a later block without its index 0', () => {
    for (const step of [
      [100, 5],
      [100, 2],
      [99, 9],
      [101, 1],
      [102, 3],
    ] as const) {
      assert.deepEqual(verdicts([100, 3], step), ['ok', 'violation'], step.join('-'));
    }
  });

  it('counts one violation per fault: it goes on behind a skip, and where it was after a late one', () => {
    assert.deepEqual(verdicts([100, 3], [100, 5], [100, 6]), ['ok', 'violation', 'ok']);
    assert.deepEqual(verdicts([100, 3], [100, 1], [100, 4]), ['ok', 'violation', 'ok']);
  });

  it('takes index 0 of another payload for the same block as a take-over', () => {
    assert.deepEqual(verdicts([100, 0, 'a'], [100, 1, 'a'], [100, 0, 'b'], [100, 1, 'b']), [
      'ok',
      'ok',
      'restart',
      'ok',
    ]);
    assert.deepEqual(verdicts([100, 0, 'a'], [100, 0, 'b']), ['ok', 'restart']);
  });

  it('takes index 0 of any other block as a restart', () => {
    assert.deepEqual(verdicts([100, 3], [12, 0], [12, 1], [400, 0]), ['ok', 'restart', 'ok', 'restart']);
  });

  it('finds the late repeat of index 0 of the same payload', () => {
    assert.deepEqual(verdicts([100, 0, 'a'], [100, 1, 'a'], [100, 0, 'a']), ['ok', 'ok', 'violation']);
    assert.deepEqual(verdicts([100, 0], [100, 1], [100, 0]), ['ok', 'ok', 'violation']);
  });

  it('finds the late repeat of an older index 0 by its content', () => {
    assert.deepEqual(verdicts([100, 0, 'a', 'x'], [101, 0, 'b', 'y'], [100, 0, 'a', 'x'], [101, 1, 'b', 'z']), [
      'ok',
      'ok',
      'violation',
      'ok',
    ]);
  });

  it('finds a payload that changes within a block', () => {
    assert.deepEqual(verdicts([100, 0, 'a'], [100, 1, 'b'], [100, 2, 'b']), ['ok', 'violation', 'ok']);
    assert.deepEqual(verdicts([100, 0, 'a'], [100, 1, 'a'], [100, 1, 'b']), ['ok', 'ok', 'violation']);
  });

  it('tells whether a base node has no pending state: from a violation to the next index 0', () => {
    const checker = new SequenceChecker();
    const wiped = (
      [
        [100, 3],
        [101, 0],
        [101, 1],
        [101, 3],
        [101, 4],
        [102, 0],
      ] as const
    ).map((step) => {
      checker.check(flashblock(step));
      return checker.wiped;
    });
    assert.deepEqual(wiped, [true, false, false, true, true, false]);
    assert.deepEqual(checker.latest, { blockNumber: 102, index: 0 });
  });

  it('remembers 256 contents', () => {
    const steps = Array.from({ length: 257 }, (_, number): Step => [100 + number, 0, String(number), `c${number}`]);
    assert.equal(verdicts(...steps, [100, 0, '0', 'c0']).at(-1), 'restart');
    assert.equal(verdicts(...steps.slice(0, 256), [100, 0, '0', 'c0']).at(-1), 'violation');
  });
});
