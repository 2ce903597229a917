/** Queries that no filter can be read from, each with what is said of it. The bound on terms is {@link MAX_TERMS}. */
export const MAX_TERMS = 1000;

export const A = `0x${'a1'.repeat(20)}`;
export const B = `0x${'b2'.repeat(20)}`;
export const S = `0x${'51'.repeat(32)}`;
export const T = `0x${'f2'.repeat(32)}`;

const address = 'expected 0x and 40 hex digits';
const topic = 'expected 0x and 64 hex digits';
const tooMany = `expected at most ${MAX_TERMS} addresses and topics`;
/** So many terms that differ. */
export const listOf = (count: number, digits: number) =>
  Array.from({ length: count }, (_, at) => `0x${at.toString(16).padStart(digits, '0')}`).join(',');

/** What is wrong, the query, and the message. */
export const BAD_QUERIES: readonly (readonly [name: string, query: string, message: string])[] = [
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
  ['a letter whose lower case is hex in no alphabet', `addresses=${A.slice(0, -1)}ſ`, `addresses: term 1: ${address}`],
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
  ['an address too many', `addresses=${listOf(MAX_TERMS + 1, 40)}`, `addresses: term 1001: ${tooMany}`],
  ['a topic too many', `topics=${listOf(MAX_TERMS + 1, 64)}`, `topics: term 1001: ${tooMany}`],
  [
    'a topic too many beside addresses',
    `topics=${listOf(MAX_TERMS - 1, 64)}&addresses=${A},${B}`,
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
];
