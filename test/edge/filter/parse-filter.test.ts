import { strict as assert } from 'node:assert';
import type { Filter } from '../../../edge/filter/filter.ts';
import { type ParsedFilter, parseFilter } from '../../../edge/filter/parse-filter.ts';
import { A, B, BAD_QUERIES, MAX_TERMS, S, T, listOf } from '../../support/bad-filters.ts';

const parse = (query: string | URLSearchParams, maxFilterTerms = MAX_TERMS): ParsedFilter =>
  parseFilter(new URLSearchParams(query), { maxFilterTerms });

function filterOf(query: string | URLSearchParams, maxFilterTerms?: number): Filter | undefined {
  const parsed = parse(query, maxFilterTerms);
  assert.ok(parsed.ok, 'the query is refused');
  return parsed.filter;
}

function messageOf(query: string | URLSearchParams, maxFilterTerms?: number): string {
  const parsed = parse(query, maxFilterTerms);
  assert.ok(!parsed.ok, 'the query is accepted');
  return parsed.message;
}

const CHECKSUMMED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const bytes = (...terms: string[]) => Buffer.from(terms.map((term) => term.slice(2)).join(''), 'hex');

describe('the query of a filter', () => {
  for (const query of ['', 'addresses=', 'topics=', 'addresses=&topics=&match=all', 'addresses=%20', 'match=any'])
    it(`asks for everything by "${query}"`, () => {
      assert.equal(filterOf(query), undefined);
    });

  it('is sorted, and each term counts once', () => {
    const filter = filterOf(`addresses=${B},${A},${B}&topics=${T},${S},${T}&match=all`);
    assert.ok(filter);
    assert.deepEqual(filter.addresses, bytes(A, B));
    assert.deepEqual(filter.topics, bytes(S, T));
    assert.equal(filter.mode, 'all');
  });

  it('takes digits in any case, as checksummed addresses have them', () => {
    const wanted = filterOf(`addresses=${CHECKSUMMED.toLowerCase()}`);
    assert.ok(wanted);
    assert.deepEqual(filterOf(`addresses=${CHECKSUMMED}`), wanted);
    assert.deepEqual(filterOf(`addresses=${CHECKSUMMED.toUpperCase()}`), wanted);
  });

  it('takes white space around terms, as the reference does', () => {
    assert.deepEqual(filterOf(`addresses=+${A},+${B}%20&topics=%09${T}`), filterOf(`addresses=${A},${B}&topics=${T}`));
  });

  it('has any as its mode where none is named, and where one group is empty', () => {
    assert.equal(filterOf(`addresses=${A}&topics=${T}`)?.mode, 'any');
    assert.equal(filterOf(`addresses=${A}&match=all`)?.mode, 'any');
    assert.equal(filterOf(`topics=${T}&match=all`)?.mode, 'any');
  });

  it('gives the same key to what means the same', () => {
    const key = filterOf(`addresses=${A},${B}&topics=${T}&match=all`)?.key;
    assert.equal(filterOf(`match=all&topics=${T.toUpperCase()}&addresses=${B},${A},${B}`)?.key, key);
    assert.equal(filterOf(`addresses=${A}&match=all`)?.key, filterOf(`addresses=${A}`)?.key);
  });

  it('gives another key to what means something else', () => {
    // 160 bytes are 8 addresses or 5 topics; both begin alike here.
    const eight = Array.from({ length: 8 }, (_, at) => `0x${String(at).repeat(40)}`);
    const five = bytes(...eight)
      .toString('hex')
      .match(/.{64}/g)!;
    const keys = [
      `addresses=${A}`,
      `addresses=${B}`,
      `addresses=${A},${B}`,
      `topics=${T}`,
      `addresses=${A}&topics=${T}`,
      `addresses=${A}&topics=${T}&match=all`,
      `addresses=${eight.join(',')}`,
      `topics=${five.map((topic) => `0x${topic}`).join(',')}`,
    ].map((query) => filterOf(query)?.key);
    assert.equal(new Set(keys).size, keys.length);
  });

  for (const [name, query, message] of BAD_QUERIES) {
    it(`is refused for ${name}`, () => {
      assert.equal(messageOf(query), message);
    });
  }

  it('may have as many terms as are allowed, addresses and topics together', () => {
    const query = `addresses=${listOf(600, 40)}&topics=${listOf(400, 64)}`;
    const filter = filterOf(query, 1000);
    assert.equal(filter?.addresses.length, 600 * 20);
    assert.equal(filter.topics.length, 400 * 32);
    assert.match(messageOf(query, 999), /^topics: term 400: expected at most 999 /);
  });

  it('leaves names in another case alone, as it does all unknown names', () => {
    assert.equal(filterOf('Addresses=x&TOPICS=x&address=x&topic=x'), undefined);
  });
});
