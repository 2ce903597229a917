import { strict as assert } from 'node:assert';
import type { Filter } from '../../../edge/filter/filter.ts';
import { type ParsedFilter, parseFilter } from '../../../edge/filter/parse-filter.ts';

const MAX_TERMS = 1000;
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

const A = `0x${'a1'.repeat(20)}`;
const B = `0x${'b2'.repeat(20)}`;
const S = `0x${'51'.repeat(32)}`;
const T = `0x${'f2'.repeat(32)}`;
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

  const address = 'expected 0x and 40 hex digits';
  const topic = 'expected 0x and 64 hex digits';
  const tooMany = `expected at most ${MAX_TERMS} addresses and topics`;
  const list = (count: number, digits: number) =>
    Array.from({ length: count }, (_, at) => `0x${at.toString(16).padStart(digits, '0')}`).join(',');

  for (const [name, query, message] of [
    ['an address without 0x', `addresses=${A.slice(2)}`, `addresses: term 1: ${address}`],
    ['an address of 42 digits without 0x', `addresses=${A.slice(2)}ab`, `addresses: term 1: ${address}`],
    ['an address that is a digit short', `addresses=${A.slice(0, -1)}`, `addresses: term 1: ${address}`],
    ['an address that is a digit long', `addresses=${A}0`, `addresses: term 1: ${address}`],
    ['0x alone', 'addresses=0x', `addresses: term 1: ${address}`],
    ['0 alone', 'addresses=0', `addresses: term 1: ${address}`],
    ['a topic among the addresses', `addresses=${A},${T}`, `addresses: term 2: ${address}`],
    ['an address among the topics', `topics=${A}`, `topics: term 1: ${topic}`],
    ['a digit that is none', `addresses=${A},${B.slice(0, -1)}g`, `addresses: term 2: ${address}`],
    ['a digit that is none at the beginning', `addresses=0xg${A.slice(3)}`, `addresses: term 1: ${address}`],
    ['a sign', `addresses=-${A}`, `addresses: term 1: ${address}`],
    ['0x twice', `addresses=0x${A.slice(0, -2)}`, `addresses: term 1: ${address}`],
    ['a full-width digit', `addresses=${A.slice(0, -1)}１`, `addresses: term 1: ${address}`],
    [
      'a letter whose lower case is hex in no alphabet',
      `addresses=${A.slice(0, -1)}ſ`,
      `addresses: term 1: ${address}`,
    ],
    ['a line break within a term', `addresses=${A.slice(0, 20)}%0A${A.slice(21)}`, `addresses: term 1: ${address}`],
    ['a line break at the end of the digits', `addresses=${A.slice(0, -1)}%0A`, `addresses: term 1: ${address}`],
    ['a NUL', `addresses=${A}%00`, `addresses: term 1: ${address}`],
    ['a space within a term', `addresses=${A.slice(0, 20)}+${A.slice(21)}`, `addresses: term 1: ${address}`],
    ['a name instead of an address', 'addresses=vitalik.eth', `addresses: term 1: ${address}`],
    ['a key of JSON', 'addresses=__proto__', `addresses: term 1: ${address}`],
    ['JSON', `addresses=["${A}"]`, `addresses: term 1: ${address}`],
    ['quotes', `addresses="${A}"`, `addresses: term 1: ${address}`],
    ['null', 'topics=null', `topics: term 1: ${topic}`],
    ['a semicolon', `addresses=${A};${B}`, `addresses: term 1: ${address}`],
    ['two addresses with a space between', `addresses=${A}+${B}`, `addresses: term 1: ${address}`],
    ['an empty term at the beginning', `addresses=,${A}`, `addresses: term 1: ${address}`],
    ['an empty term in the middle', `addresses=${A},,${B}`, `addresses: term 2: ${address}`],
    ['an empty term at the end', `addresses=${A},${B},`, `addresses: term 3: ${address}`],
    ['a term of white space', `addresses=${A},+,${B}`, `addresses: term 2: ${address}`],
    ['a comma', 'addresses=,', `addresses: term 1: ${address}`],
    ['a comma among the topics', 'topics=,', `topics: term 1: ${topic}`],
    ['8 KB of commas', `addresses=${','.repeat(8192)}`, `addresses: term 1: ${address}`],
    ['8 KB of commas behind an address', `addresses=${A}${','.repeat(8192)}`, `addresses: term 2: ${address}`],
    ['8 KB of digits', `topics=0x${'a'.repeat(8192)}`, `topics: term 1: ${topic}`],
    ['8 KB of escaped commas', `topics=${'%2C'.repeat(2730)}`, `topics: term 1: ${topic}`],
    ['a topic without 0x', `topics=${T.slice(2)}`, `topics: term 1: ${topic}`],
    ['a topic that is a digit short', `topics=${S},${T.slice(0, -1)}`, `topics: term 2: ${topic}`],
    ['a topic that is a digit long', `topics=${S},${T}0`, `topics: term 2: ${topic}`],
    ['a topic that is no hex', `topics=0x${'z'.repeat(64)}`, `topics: term 1: ${topic}`],
    ['a wrong topic beside right addresses', `addresses=${A},${B}&topics=${S},0x`, `topics: term 2: ${topic}`],
    ['an address too many', `addresses=${list(MAX_TERMS + 1, 40)}`, `addresses: term 1001: ${tooMany}`],
    ['a topic too many', `topics=${list(MAX_TERMS + 1, 64)}`, `topics: term 1001: ${tooMany}`],
    [
      'a topic too many beside addresses',
      `topics=${list(MAX_TERMS - 1, 64)}&addresses=${A},${B}`,
      `topics: term 999: ${tooMany}`,
    ],
    [
      'one term too often',
      `addresses=${Array(MAX_TERMS + 1)
        .fill(A)
        .join(',')}`,
      `addresses: term 1001: ${tooMany}`,
    ],
    ['addresses twice', `addresses=${A}&addresses=${B}`, 'addresses: expected once'],
    ['addresses twice, once empty', `addresses=${A}&addresses=`, 'addresses: expected once'],
    ['topics twice', `topics=${T}&topics=${T}`, 'topics: expected once'],
    ['match twice', `addresses=${A}&match=any&match=any`, 'match: expected once'],
    ['an unknown match', `addresses=${A}&match=some`, 'match: expected any or all'],
    ['an empty match', `addresses=${A}&match=`, 'match: expected any or all'],
    ['match in capitals', `addresses=${A}&match=ALL`, 'match: expected any or all'],
    ['a match with white space', `addresses=${A}&match=all+`, 'match: expected any or all'],
    ['an unknown match without terms', 'match=none', 'match: expected any or all'],
  ] as const) {
    it(`is refused for ${name}`, () => {
      assert.equal(messageOf(query), message);
    });
  }

  it('may have as many terms as are allowed, addresses and topics together', () => {
    const query = `addresses=${list(600, 40)}&topics=${list(400, 64)}`;
    const filter = filterOf(query, 1000);
    assert.equal(filter?.addresses.length, 600 * 20);
    assert.equal(filter.topics.length, 400 * 32);
    assert.match(messageOf(query, 999), /^topics: term 400: expected at most 999 /);
  });

  it('leaves names in another case alone, as it does all unknown names', () => {
    assert.equal(filterOf('Addresses=x&TOPICS=x&address=x&topic=x'), undefined);
  });
});
