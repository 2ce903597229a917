import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isJsonByConsumersRule } from '../../../shared/codec/brotli.ts';
import { allSamples } from '../../support/fixtures.ts';

describe("the consumers' rule", () => {
  it('takes every text message for JSON: captured, generated and odd ones', () => {
    for (const { name, content, binaryOnly } of allSamples()) {
      assert.equal(isJsonByConsumersRule(content), !binaryOnly, name);
    }
  });

  it('skips white space, and looks no further than the brace', () => {
    for (const text of ['{', ' {', '\t\r\n {}', '{not JSON at all', '\u000b\f{']) {
      assert.equal(isJsonByConsumersRule(Buffer.from(text)), true, JSON.stringify(text));
    }
  });

  it('takes nothing else for JSON', () => {
    for (const text of ['', ' ', '\n\n', '[]', '"{"', 'x{', '\0{', '}']) {
      assert.equal(isJsonByConsumersRule(Buffer.from(text)), false, JSON.stringify(text));
    }
  });

  it('needs all of the bytes to be UTF-8', () => {
    for (const tail of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      assert.equal(isJsonByConsumersRule(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(tail)])), false);
    }
  });

  it('agrees with a decoder that is strict about UTF-8, whatever the bytes', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const expected = (bytes: Uint8Array): boolean => {
      try {
        return /^[\t-\r ]*\{/.test(strict.decode(bytes));
      } catch {
        return false;
      }
    };
    const nearly = fc
      .tuple(fc.constantFrom('', ' ', '\n'), fc.uint8Array({ maxLength: 6 }), fc.string({ unit: 'binary' }))
      .map(([space, bytes, text]) => Buffer.concat([Buffer.from(`${space}{`), bytes, Buffer.from(text)]));
    fc.assert(
      fc.property(fc.oneof(nearly, fc.uint8Array()), (bytes) => {
        assert.equal(isJsonByConsumersRule(Buffer.from(bytes)), expected(bytes));
      }),
      { numRuns: 1000 },
    );
  });
});
