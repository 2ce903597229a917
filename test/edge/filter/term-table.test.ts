import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { TermTable } from '../../../edge/filter/term-table.ts';

/** A term of 4 bytes. */
const term = (value: number) => Buffer.from([0, 0, value >> 8, value & 255]);

describe('the table of terms', () => {
  it('holds what a map holds, through any order of adding and removing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 60 }), fc.boolean()), { maxLength: 300 }), (steps) => {
        const table = new TermTable(4);
        const model = new Map<number, number>();
        for (const [value, present] of steps) {
          const known = model.get(value);
          if (present) {
            const id = table.add(term(value), 0);
            if (known === undefined) assert.ok(![...model.values()].includes(id), 'a number is given twice');
            else assert.equal(id, known);
            model.set(value, id);
          } else if (known !== undefined) {
            table.remove(known);
            model.delete(value);
          }
          assert.equal(table.size, model.size);
        }
        for (let value = 0; value <= 60; value += 1) assert.equal(table.find(term(value), 0), model.get(value) ?? -1);
        const seen: number[] = [];
        table.forEach((bytes, at) => seen.push(Buffer.from(bytes).readUInt32BE(at)));
        assert.deepEqual(
          seen.sort((a, b) => a - b),
          [...model.keys()].sort((a, b) => a - b),
        );
      }),
      { seed: 9, numRuns: 300 },
    );
  });

  it('gives numbers again, so that they end at the most terms that there were at once', () => {
    const table = new TermTable(4);
    for (let value = 0; value < 5000; value += 1) {
      const id = table.add(term(value), 0);
      assert.ok(id < 10);
      if (value >= 9) table.remove(table.find(term(value - 9), 0));
    }
    assert.equal(table.size, 9);
  });

  it('finds a term at any place of a buffer', () => {
    const table = new TermTable(4);
    const id = table.add(Buffer.from('00112233445566', 'hex'), 3);
    assert.equal(table.find(Buffer.from('ff33445566ff', 'hex'), 1), id);
    assert.equal(table.find(Buffer.from('ff33445566ff', 'hex'), 0), -1);
  });
});
