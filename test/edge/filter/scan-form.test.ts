import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { readScanForm } from '../../../edge/filter/scan-form.ts';
import { allSamples } from '../../support/fixtures.ts';
import { situation } from './generated.ts';
import { matchesAlone } from './support.ts';

const A = `0x${'a1'.repeat(20)}`;
const T = `0x${'f2'.repeat(32)}`;
const json = (message: unknown) => Buffer.from(JSON.stringify(message));
const withTransactions = (...transactions: unknown[]) => json({ diff: { transactions }, metadata: {} });
const withReceipt = (receipt: unknown) => json({ metadata: { receipts: { '0x1': receipt } } });
const has = (content: Buffer, address = A) => matchesAlone(content, { addresses: [address] });

describe('the scan form of a message', () => {
  it('keeps transactions apart, so that no address is found across two', () => {
    const digits = A.slice(2);
    for (let at = 2; at < 40; at += 2) {
      const [head, tail] = [digits.slice(0, at), digits.slice(at)];
      assert.ok(!has(withTransactions(`0x${'00'.repeat(20)}${head}`, `0x${tail}${'00'.repeat(20)}`)), `cut at ${at}`);
    }
    assert.ok(has(withTransactions(`0x00`, `0x${'00'.repeat(20)}${digits}`, A)));
  });

  it('finds an address at the very beginning and the very end of a transaction', () => {
    for (const text of [A, `${A}00`, `0x00${A.slice(2)}`]) assert.ok(has(withTransactions(text)), text);
  });

  it('finds no address between two bytes', () => {
    assert.ok(!has(withTransactions(`0x0${A.slice(2)}0`)));
  });

  it('leaves out transactions that are no hex digits throughout, and none of the others', () => {
    const odd = [`${A}0`, `${A}zz`, `zz${A}`, A.slice(2), 7, null, [A], { A }, '', '0x'];
    for (const transaction of odd) {
      assert.ok(!has(withTransactions(transaction)), JSON.stringify(transaction));
      assert.ok(has(withTransactions(transaction, A)), JSON.stringify(transaction));
      assert.ok(has(withTransactions(A, transaction)), JSON.stringify(transaction));
    }
    assert.equal(readScanForm(withTransactions(...odd, A))?.transactions.length, 20);
  });

  it('has each address and topic once, however many logs name it', () => {
    const log = { address: A, topics: [T, T] };
    const form = readScanForm(withReceipt({ type: '0x2', logs: Array(50).fill(log) }));
    assert.equal(form?.addresses.length, 20);
    assert.equal(form.topics.length, 32);
  });

  it('has no address that is as long as a topic, and no topic that is as long as an address', () => {
    const form = readScanForm(withReceipt({ logs: [{ address: T, topics: [A] }] }));
    assert.equal(form?.addresses.length, 0);
    assert.equal(form.topics.length, 0);
  });

  for (const [text, receipt, carries] of [
    ['a flat one', { type: '0x7e', logs: [] }, true],
    ['one under its type', { Deposit: { logs: [] } }, true],
    ['one without logs', { Deposit: { status: '0x1' } }, false],
    ['null', null, false],
    ['a list', [{ logs: [] }], false],
  ] as const)
    it(`says ${carries ? 'that' : 'not that'} it has receipts for ${text}`, () => {
      assert.equal(readScanForm(withReceipt(receipt))?.hasReceipts, carries);
    });

  for (const text of ['', ' ', '{', 'null', '7', '"text"', '[]', '[{"diff":{}}]', '{"diff":{}', '\ufeff{}', '{}x'])
    it(`does not exist for ${JSON.stringify(text)}`, () => {
      assert.equal(readScanForm(Buffer.from(text)), undefined);
    });

  it('does not exist for what is no text', () => {
    assert.equal(readScanForm(Buffer.from([0x8b, 0x02, 0x80, 0xff])), undefined);
  });

  it('holds nothing where the parts are not what they usually are', () => {
    for (const odd of [undefined, null, 7, 'text', true, [], {}, ['text'], [[]], { transactions: 7, logs: 7 }]) {
      for (const message of [
        { diff: odd, metadata: odd },
        { diff: { transactions: odd }, metadata: { receipts: odd, new_account_balances: odd } },
        { diff: { transactions: [odd] }, metadata: { receipts: { a: odd } } },
        { metadata: { receipts: { a: { logs: odd } } } },
        { metadata: { receipts: { a: { logs: [odd] } } } },
        { metadata: { receipts: { a: { logs: [{ address: odd, topics: odd }] } } } },
      ]) {
        const form = readScanForm(json(message));
        assert.ok(form, JSON.stringify(message));
        const { transactions, ends, addresses, topics } = form;
        assert.equal(transactions.length + ends.length + addresses.length + topics.length, 0);
      }
    }
  });

  it('is not led astray by keys that mean something to JavaScript', () => {
    const logs = `[{"address":"${A}","topics":[]}]`;
    for (const text of [
      `{"__proto__":{"metadata":{"receipts":{"a":{"logs":${logs}}}}}}`,
      `{"metadata":{"__proto__":{"receipts":{"a":{"logs":${logs}}}}}}`,
      `{"metadata":{"receipts":{"a":{"__proto__":{"logs":${logs}}}}}}`,
      `{"constructor":{"prototype":{"metadata":{}}},"toString":1,"hasOwnProperty":1}`,
    ]) {
      assert.ok(readScanForm(Buffer.from(text)), text);
      assert.equal(({} as Record<string, unknown>)['metadata'], undefined);
    }
    assert.ok(!has(Buffer.from(`{"metadata":{"__proto__":{"new_account_balances":{"${A}":"0x0"}}}}`)));
  });

  it('takes nesting of any depth', () => {
    const depth = 200_000;
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    for (const text of [
      nested,
      `{"diff":{"transactions":${nested}},"metadata":{"receipts":{"a":${nested}}}}`,
      `{"metadata":${'{"logs":'.repeat(depth)}1${'}'.repeat(depth + 1)}`,
    ])
      assert.doesNotThrow(() => readScanForm(Buffer.from(text)));
  });

  it('knows its size, which is bounded by the message', () => {
    const short = Array.from({ length: 20_000 }, () => '0x00');
    const addresses = Array.from({ length: 5000 }, (_, at) => `0x${at.toString(16).padStart(40, '0')}`);
    const contents = [
      ...allSamples().map(({ content }) => content),
      withTransactions(...short),
      withTransactions(...addresses),
      withReceipt({ logs: addresses.map((address) => ({ address, topics: [T.slice(0, 26) + address.slice(2)] })) }),
    ];
    for (const content of contents) {
      const form = readScanForm(content);
      if (form === undefined) continue;
      const parts = [form.transactions, form.ends, form.addresses, form.topics];
      const held = parts.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
      assert.ok(form.bytes >= held, `${form.bytes} are told and ${held} held`);
      assert.ok(form.bytes <= held + 1000);
      assert.ok(held <= content.length * 0.6, `${held} for ${content.length}`);
    }
  });

  /** The same message with more values than are built, before its parts or behind them. */
  const crowded = (content: Buffer, before: boolean): Buffer => {
    const values = `"crowd":[${'0,'.repeat(9000)}0]`;
    const text = content.toString().trim();
    if (text === '{}') return Buffer.from(`{${values}}`);
    return Buffer.from(before ? `{${values},${text.slice(1)}` : `${text.slice(0, -1)},${values}}`);
  };
  const partsOf = (content: Buffer) => {
    const { bytes, ...parts } = readScanForm(content) ?? {};
    return bytes === undefined ? undefined : parts;
  };

  it('is the same for a message that is too crowded to be built', () => {
    const samples = allSamples().filter(({ content }) => content[0] === 0x7b);
    for (const { content } of samples) assert.deepEqual(partsOf(crowded(content, true)), partsOf(content));
    fc.assert(
      fc.property(situation, fc.nat({ max: 2 }), fc.boolean(), ({ json: plain }, indent, before) => {
        const content = Buffer.from(JSON.stringify(JSON.parse(plain.toString()), null, indent));
        assert.deepEqual(partsOf(crowded(content, before)), partsOf(content));
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it('takes the last of what stands there twice, and escapes for what they stand for, however crowded it is', () => {
    const escaped = A.replace('a', '\\u0061');
    for (const text of [
      `{"diff":{"transactions":["${A}"]},"diff":{"transactions":["${escaped}00"]}}`,
      `{"diff":{"transactions":["${A}"],"transactions":[]},"metadata":{"new_account_balances":{"${escaped}":1}}}`,
      `{"metadata":{"receipts":{"a":{"logs":[{"address":"${A}"}]}}},"metadata":{}}`,
      `{"metadata":{"receipts":{"a":{"logs":[]}},"receipts":null,"new_account_balances":{"${A}":0},"new_account_balances":[]}}`,
      `{"met\\u0061data":{"receipts":{"a":{"B":{"logs":[{"address":"${escaped}","topics":["${T}"]}]}}}}}`,
    ])
      assert.deepEqual(partsOf(crowded(Buffer.from(text), true)), partsOf(Buffer.from(text)), text);
    for (const text of ['{"diff":}', '{"diff":{"transactions":["0x}', '{"diff":{}}x'])
      assert.equal(readScanForm(crowded(Buffer.from(text), true)), undefined, text);
  });

  it('builds nothing of a message that is crowded, as that would stop the loop for longer than clients wait', () => {
    const parse = JSON.parse;
    let longest = 0;
    JSON.parse = (text: string) => {
      longest = Math.max(longest, text.length);
      return parse(text) as unknown;
    };
    try {
      assert.ok(has(crowded(withTransactions(A), true)));
    } finally {
      JSON.parse = parse;
    }
    assert.equal(longest, A.length + 2);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          readScanForm(Buffer.from(bytes));
        },
      ),
      { seed: 8, numRuns: 500 },
    );
  });
});
