import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateError } from '../../../../shared/backplane/redis/errors.ts';
import { formatDecided, formatRecent, readState } from '../../../../shared/backplane/redis/state-codec.ts';

const ID = 'ab'.repeat(16);
const stored = (fields: Record<string, string> = {}) =>
  Object.entries({
    version: '1',
    epoch: ID,
    sequence: '9007199254740991',
    token: ID,
    decided: '{}',
    acceptedAt: '1700000000000',
    ...fields,
  }).flat();

describe("the state's codec", () => {
  it('reads no state where nothing is stored', () => {
    assert.equal(readState([], 0), undefined);
  });

  it('reads ages by the clock that the times were taken from, and none below zero', () => {
    const recent = `${ID}:1700000000500:f ${ID}:1700000009999:o `;
    const state = readState(stored({ recent, flashblockAt: '1700000000900' }), 1_700_000_001_000);
    assert.equal(state?.acceptedAgeMs, 1000);
    assert.equal(state.flashblockAgeMs, 100);
    assert.equal(state.sequence, Number.MAX_SAFE_INTEGER);
    assert.deepEqual(state.recent, [
      { contentHash: ID, ageMs: 500, flashblock: true },
      { contentHash: ID, ageMs: 0, flashblock: false },
    ]);
  });

  it('reads the publishers, and passes over what is none', () => {
    const publish = (number: number) => ` 0000000000000001:${String(number).padStart(16, '0')}:${ID}:0`;
    const state = readState(
      stored({
        'publisher:host 1 run': `1700000000000${publish(4)}${publish(7)}`,
        'publisher:later': 'another layout',
      }),
      1_700_000_000_250,
    );
    assert.deepEqual(state?.publishers, [{ ingestId: 'host 1', start: 'run', lastSequence: 7, ageMs: 250 }]);
  });

  it('gives back what was decided', () => {
    const decided = fc.record(
      {
        position: fc.record({ blockNumber: fc.maxSafeNat(), index: fc.nat(65_535) }, { noNullPrototype: true }),
        payloadId: fc.string({ maxLength: 128 }),
        previousBlockEnd: fc.nat(65_535),
        unknown: fc.dictionary(fc.constantFrom('later', 'rule'), fc.jsonValue(), {
          minKeys: 1,
          noNullPrototype: true,
        }),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    fc.assert(
      fc.property(decided, (value) => {
        const state = readState(stored({ decided: formatDecided(value) }), 0);
        assert.equal(JSON.stringify(state?.decided), JSON.stringify(value));
      }),
    );
  });

  for (const [what, fields] of Object.entries({
    'another layout': { version: '2' },
    'a decision that is no JSON': { decided: '{' },
    'a decision that is no object': { decided: '[]' },
    'a position that is none': { decided: '{"position":{"blockNumber":-1,"index":0}}' },
  })) {
    it(`refuses ${what}`, () => {
      assert.throws(() => readState(stored(fields), 0), StateError);
    });
  }

  it('writes ages as whole milliseconds', () => {
    assert.equal(
      formatRecent([
        { contentHash: ID, ageMs: 12.7, flashblock: true },
        { contentHash: ID, ageMs: -3, flashblock: false },
      ]),
      `${ID}:13:f ${ID}:0:o `,
    );
  });
});
