import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { type FilterEntry, FilterIndex } from '../../../edge/filter/filter-index.ts';
import { readScanForm } from '../../../edge/filter/scan-form.ts';
import { situation } from './generated.ts';
import { type Wish, oracleMatches } from './oracle.ts';
import { filterOf, matchesAlone } from './support.ts';

const MESSAGES = 10_000;
/** Filters that are in the index at once, as clients come and go. */
const CLIENTS = 12;

describe('filters and a brute-force oracle', () => {
  it(`decide alike over ${MESSAGES} generated messages, while filters come and go`, () => {
    const index = new FilterIndex();
    const clients: { wish: Wish; entry: FilterEntry }[] = [];
    const decisions = { any: [0, 0], all: [0, 0] };
    fc.assert(
      fc.property(situation, ({ json, wishes }) => {
        for (const wish of wishes) {
          clients.push({ wish, entry: index.add(filterOf(wish)) });
          if (clients.length > CLIENTS) index.remove(clients.shift()!.entry);
        }
        const form = readScanForm(json);
        assert.ok(form);
        const matches = index.match(form);
        for (const { wish, entry } of clients) {
          const expected = oracleMatches(json, wish);
          decisions[wish.mode][Number(expected)]! += 1;
          assert.equal(matches.has(entry), expected, `${JSON.stringify(wish)} on ${json.toString()}`);
        }
      }),
      { seed: 6, numRuns: MESSAGES, endOnFailure: true },
    );
    for (const [mode, [no = 0, yes = 0]] of Object.entries(decisions))
      assert.ok(Math.min(no, yes) > MESSAGES / 2, `${mode}: ${no} to ${yes} says little`);
  });

  it('decide alike where a filter is alone', () => {
    fc.assert(
      fc.property(situation, ({ json, wishes }) => {
        for (const wish of wishes) assert.equal(matchesAlone(json, wish), oracleMatches(json, wish));
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});
