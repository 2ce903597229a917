import { strict as assert } from 'node:assert';
import { type FilterEntry, FilterIndex } from '../../../edge/filter/filter-index.ts';
import { readScanForm } from '../../../edge/filter/scan-form.ts';
import { Random } from '../../../tools/simulate/random.ts';
import type { Wish } from './oracle.ts';
import { filterOf, wishOf } from './support.ts';

const random = new Random(5);
const address = () => `0x${random.hex(20)}`;
const topic = () => `0x${random.hex(32)}`;
const add = (index: FilterIndex, wish: Partial<Wish>): FilterEntry => index.add(filterOf(wishOf(wish)));
const formOf = (...transactions: string[]) => readScanForm(Buffer.from(JSON.stringify({ diff: { transactions } })))!;

describe('the index of filters', () => {
  it('holds a filter once for all clients that have it, until the last is gone', () => {
    const index = new FilterIndex();
    const [one, two] = [address(), address()];
    const first = add(index, { addresses: [one, two] });
    const second = add(index, { addresses: [two, one, one] });
    assert.equal(second, first);
    assert.equal(index.size, 1);
    index.remove(first);
    assert.equal(index.match(formOf(one)).has(second), true);
    index.remove(second);
    assert.equal(index.size, 0);
    assert.equal(index.terms, 0);
  });

  it('takes a removal that comes twice, and one of a filter that it has not', () => {
    const index = new FilterIndex();
    const kept = add(index, { addresses: [address()] });
    const gone = add(index, { addresses: [address()] });
    index.remove(gone);
    index.remove(gone);
    index.remove(add(new FilterIndex(), { topics: [topic()] }));
    assert.equal(index.size, 1);
    assert.equal(index.match(formOf(`0x${kept.filter.addresses.toString('hex')}`)).has(kept), true);
  });

  it('does not answer for a filter that came after the message was looked at', () => {
    const index = new FilterIndex();
    const wanted = address();
    add(index, { addresses: [address()] });
    const before = index.match(formOf(wanted));
    const late = add(index, { addresses: [wanted] });
    assert.equal(before.has(late), undefined);
    assert.equal(index.match(formOf(wanted)).has(late), true);
  });

  it('does not answer for a filter that has the number of one that is gone', () => {
    const index = new FilterIndex();
    const wanted = address();
    const gone = add(index, { addresses: [wanted] });
    add(index, { addresses: [address()] });
    const matches = index.match(formOf(wanted));
    index.remove(gone);
    const late = add(index, { addresses: [address()], topics: [topic()], mode: 'all' });
    assert.equal(late.number, gone.number);
    assert.equal(matches.has(late), undefined);
  });

  it('still answers for filters of before, when the index has grown since', () => {
    const index = new FilterIndex();
    const wanted = address();
    const early = add(index, { addresses: [wanted] });
    const [yes, no] = [index.match(formOf(wanted)), index.match(formOf(address()))];
    for (let more = 0; more < 100; more += 1) add(index, { addresses: [address()] });
    assert.equal(yes.has(early), true);
    assert.equal(no.has(early), false);
  });

  it('holds the terms of the filters that are there, and nothing of those that are gone', () => {
    const index = new FilterIndex();
    const shared = address();
    const entries: FilterEntry[] = [];
    for (let turn = 0; turn < 2000; turn += 1) {
      entries.push(add(index, { addresses: [shared, address(), address()], topics: [topic()], mode: 'all' }));
      if (entries.length > 20) index.remove(entries.splice(random.between(0, 20), 1)[0]!);
      assert.equal(index.terms, 1 + 3 * entries.length);
      assert.ok(entries.every(({ number }) => number < 21));
    }
    for (const entry of entries) index.remove(entry);
    assert.equal(index.terms, 0);
  });

  it('lets go of a term that several had, when the last of them is gone', () => {
    const index = new FilterIndex();
    const shared = address();
    add(index, { addresses: [address()] });
    const entries = Array.from({ length: 3 }, () => add(index, { addresses: [shared, address()] }));
    const terms = entries.map((entry) => {
      index.remove(entry);
      return index.terms;
    });
    assert.deepEqual(terms, [4, 3, 1]);
  });

  it('finds each of many filters, also after most of them are gone', () => {
    const index = new FilterIndex();
    const wishes = Array.from({ length: 3000 }, () => address());
    const entries = wishes.map((wanted) => add(index, { addresses: [wanted, address()] }));
    const look = () =>
      wishes.map((wanted) => {
        const matches = index.match(formOf(`${wanted}00`));
        return entries.filter((entry) => matches.has(entry)).length;
      });
    assert.deepEqual(new Set(look()), new Set([1]));
    for (const entry of entries.splice(10)) index.remove(entry);
    assert.deepEqual(new Set(look().slice(0, 10)), new Set([1]));
    assert.deepEqual(new Set(look().slice(10)), new Set([0]));
  });

  it('keeps one bit per filter for a message, and none for one that matches nothing', () => {
    const index = new FilterIndex();
    const wanted = address();
    for (let more = 0; more < 1000; more += 1) add(index, { addresses: [wanted, address()] });
    assert.equal(index.match(formOf(wanted)).bytes, 128);
    assert.equal(index.match(formOf(address())).bytes, 0);
  });
});
