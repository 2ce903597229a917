import { strict as assert } from 'node:assert';
import { FilterIndex } from '../../../edge/filter/filter-index.ts';
import { readScanForm } from '../../../edge/filter/scan-form.ts';
import { encodeRlp } from '../../../tools/simulate/rlp.ts';
import { allSamples, capturedSamples } from '../../support/fixtures.ts';
import { type Wish, oracleMatches } from './oracle.ts';
import { transactionFields } from './rlp-decode.ts';
import { filterOf, matchesAlone, wishOf } from './support.ts';

const OWN_ADDRESS = '7b'.repeat(20);
const OWN_TOPIC = '9c'.repeat(32);
const accessed = '5d'.repeat(20);
const accessListTransaction = `0x02${encodeRlp(['2105', '', '', '', '', 'ee'.repeat(20), '', '', [[accessed, []]], '', '', ''])}`;
const deposit = `0x7e${encodeRlp(['aa'.repeat(32), OWN_ADDRESS, '3e'.repeat(20), '', '', '', '', `00${'6f'.repeat(40)}`])}`;

/** What the captured messages lack, or what stands for them where they are absent: an access list, both shapes of receipts. */
function ownMessage(flat: boolean): Buffer {
  const logs = [{ address: `0x${'4c'.repeat(20)}`, topics: [`0x${OWN_TOPIC}`], data: '0x' }];
  return Buffer.from(
    JSON.stringify({
      payload_id: '0x1',
      index: 1,
      diff: { transactions: [accessListTransaction, deposit] },
      metadata: {
        block_number: 1,
        new_account_balances: { [`0x${'8a'.repeat(20)}`]: '0x0' },
        receipts: { [`0x${'11'.repeat(32)}`]: flat ? { type: '0x2', logs } : { Eip1559: { logs } } },
      },
    }),
  );
}

/** Beside the project's own and the captured ones, a captured one with its receipts in the flat shape. */
function samples(): { name: string; content: Buffer }[] {
  const flattened = capturedSamples()
    .filter(({ content }) => content.includes('"receipts"'))
    .map(({ name, content }) => ({ name: `${name}, receipts made flat`, content: flatten(content) }));
  const own = [true, false].map((flat) => ({ name: `own, flat ${String(flat)}`, content: ownMessage(flat) }));
  return [...own, ...capturedSamples(), ...flattened];
}

type Receipts = Record<string, Record<string, unknown>>;
interface Message {
  readonly diff?: { readonly transactions?: readonly string[] };
  readonly metadata?: { receipts?: Receipts; readonly new_account_balances?: Record<string, string> };
}
interface Log {
  readonly address: string;
  readonly topics: readonly string[];
}

const parse = (content: Buffer) => JSON.parse(content.toString()) as Message;

function flatten(content: Buffer): Buffer {
  const message = parse(content);
  const receipts = message.metadata?.receipts ?? {};
  for (const [hash, receipt] of Object.entries(receipts)) {
    const [tag, inner] = Object.entries(receipt)[0] ?? [];
    if (typeof inner === 'object') receipts[hash] = { type: tag, ...inner };
  }
  return Buffer.from(JSON.stringify(message));
}

const PLACES = ['to', 'calldata', 'access list', 'deposit', 'balances', 'tagged log', 'flat log'] as const;
type Place = (typeof PLACES)[number];

/** Addresses by where they stand, read field by field from the messages' RLP and metadata. */
function* addressesIn(content: Buffer): Generator<{ place: Place; address: string }> {
  const { diff, metadata } = parse(content);
  for (const text of diff?.transactions ?? []) {
    const fields = transactionFields(text);
    if (fields === undefined) continue;
    const { from, to, data } = fields;
    if (to !== '') yield { place: from === undefined ? 'to' : 'deposit', address: `0x${to}` };
    if (from !== undefined) yield { place: 'deposit', address: `0x${from}` };
    // The last 20 bytes of an ABI word behind a selector, where the word is an address by its looks.
    for (let at = 8; at + 64 <= data.length; at += 64)
      if (/^0{24}[1-9a-f]/.test(data.slice(at, at + 64)))
        yield { place: 'calldata', address: `0x${data.slice(at + 24, at + 64)}` };
    for (const address of fields.accessed) yield { place: 'access list', address: `0x${address}` };
  }
  for (const address of Object.keys(metadata?.new_account_balances ?? {}))
    if (address.length === 42) yield { place: 'balances', address };
  for (const { place, log } of logsIn(content)) yield { place, address: log.address };
}

function* logsIn(content: Buffer): Generator<{ place: 'tagged log' | 'flat log'; log: Log }> {
  for (const receipt of Object.values(parse(content).metadata?.receipts ?? {})) {
    const { logs } = receipt;
    const tagged = Object.values(receipt).flatMap((inner) => (inner as { logs?: Log[] }).logs ?? []);
    for (const log of (logs as Log[] | undefined) ?? []) yield { place: 'flat log', log };
    for (const log of tagged) yield { place: 'tagged log', log };
  }
}

const ABSENT = { address: `0x${'d7'.repeat(20)}`, topic: `0x${'d7'.repeat(32)}` };

describe('a filter on captured messages', () => {
  for (const place of PLACES) {
    it(`finds every address of ${place}, in any case, and none that is not there`, () => {
      let found = 0;
      for (const { name, content } of samples()) {
        const others = [ABSENT.address];
        for (const { place: at, address } of addressesIn(content)) {
          if (at !== place) continue;
          found += 1;
          assert.ok(matchesAlone(content, { addresses: [address] }), `${name} has ${address}`);
          assert.ok(matchesAlone(content, { addresses: [...others, address.toUpperCase()] }), name);
          // One byte else at either end is another address.
          for (const other of [`${address.slice(0, -2)}ff`, `0x99${address.slice(4)}`]) others.push(other);
        }
        for (const address of others)
          assert.equal(
            matchesAlone(content, { addresses: [address] }),
            oracleMatches(content, wishOf({ addresses: [address] })),
          );
        assert.ok(!matchesAlone(content, { addresses: [ABSENT.address] }), name);
      }
      assert.ok(found > 0, 'no sample has one');
    });
  }

  it('finds every topic, in both shapes of receipts', () => {
    const seen = new Set<string>();
    for (const { name, content } of samples()) {
      for (const { place, log } of logsIn(content)) {
        for (const topic of log.topics) {
          seen.add(place);
          assert.ok(matchesAlone(content, { topics: [ABSENT.topic, topic] }), `${name} has ${topic}`);
          assert.ok(matchesAlone(content, { topics: [topic], addresses: [log.address], mode: 'all' }), name);
          assert.ok(!matchesAlone(content, { topics: [topic], addresses: [ABSENT.address], mode: 'all' }), name);
          assert.ok(matchesAlone(content, { topics: [topic], addresses: [ABSENT.address] }), name);
          assert.ok(!matchesAlone(content, { topics: [ABSENT.topic], addresses: [log.address], mode: 'all' }), name);
        }
      }
      assert.ok(!matchesAlone(content, { topics: [ABSENT.topic] }), name);
    }
    assert.equal(seen.size, 2);
  });

  it('tells a message with receipts from one without', () => {
    for (const { name, content } of samples()) {
      const receipts = Object.keys(parse(content).metadata?.receipts ?? {}).length;
      assert.equal(readScanForm(content)?.hasReceipts, receipts > 0, name);
    }
  });

  it('decides as the oracle does when addresses and topics of all of them are asked for at once', () => {
    const everything = [...samples(), ...allSamples()];
    const wishes: Wish[] = [wishOf({ addresses: [ABSENT.address], topics: [ABSENT.topic] })];
    const objects = everything.filter(({ content }) => readScanForm(content) !== undefined);
    const own = samples().flatMap(({ content }) => [...addressesIn(content)].map(({ address }) => address));
    const topics = samples().flatMap(({ content }) => [...logsIn(content)].flatMap(({ log }) => log.topics));
    for (const address of [...new Set(own)].slice(0, 40)) wishes.push(wishOf({ addresses: [address] }));
    for (const [at, topic] of [...new Set(topics)].slice(0, 10).entries())
      for (const mode of ['any', 'all'] as const)
        wishes.push(wishOf({ topics: [topic], addresses: [own[(at * 7) % own.length]!, own[at]!], mode }));
    const index = new FilterIndex();
    const entries = wishes.map((wish) => index.add(filterOf(wish)));
    for (const { name, content } of objects) {
      const matches = index.match(readScanForm(content)!);
      for (const [at, wish] of wishes.entries())
        assert.equal(matches.has(entries[at]!), oracleMatches(content, wish), `${name}: ${JSON.stringify(wish)}`);
    }
  });
});
