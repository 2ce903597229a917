import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import {
  KeyFileError,
  MAX_FILE_BYTES,
  MAX_FILE_KEYS,
  MAX_FILE_LINES,
  parseKeyFile,
} from '../../../edge/keys/key-file.ts';
import { printKeyLine } from '../../../edge/keys/key-record.ts';
import { anyRecord, anyText, digestHex, lineOf } from './records.ts';

function refusal(text: string): KeyFileError {
  try {
    parseKeyFile(text);
  } catch (error) {
    if (error instanceof KeyFileError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'was accepted' });
}

describe('the key file', () => {
  it('has a key per line, between remarks and empty lines', () => {
    const text = `# keys\n\n${lineOf('a', 'k1')}\n  # the second\n${lineOf('b', 'k2', { limit: 3 })}\n\n`;
    assert.deepEqual(parseKeyFile(text), [
      { application: 'a', digest: digestHex('k1'), line: 3 },
      { application: 'b', digest: digestHex('k2'), limit: 3, line: 5 },
    ]);
  });

  it('may come from Windows, and may end without the end of a line', () => {
    assert.deepEqual(
      parseKeyFile(`\uFEFF${lineOf('a', 'k1')}\r\n${lineOf('b', 'k2')}`).map(({ application, line }) => [
        application,
        line,
      ]),
      [
        ['a', 1],
        ['b', 2],
      ],
    );
  });

  it('may give an application several keys', () => {
    assert.equal(parseKeyFile(`${lineOf('a', 'k1')}\n${lineOf('a', 'k2')}\n`).length, 2);
  });

  it('is as the example in the docs', async () => {
    const docs = await readFile(new URL('../../../docs/keys.md', import.meta.url), 'utf8');
    const [, example = ''] = /```\n(# .*?)```/s.exec(docs) ?? [];
    assert.deepEqual(
      parseKeyFile(example).map(({ application, limit, expiresAt }) => [application, limit, expiresAt]),
      [
        ['acme', 100, undefined],
        ['acme', undefined, undefined],
        ['partner', undefined, Date.UTC(2027, 0, 31)],
      ],
    );
  });

  it('may have no key, if a remark says so', () => {
    assert.deepEqual(parseKeyFile('# nobody\n'), []);
  });

  it('is refused when it is empty, as one that could not be written is', () => {
    for (const text of ['', '\n', ' \r\n\t\n', '\uFEFF']) assert.match(refusal(text).message, /^is empty;/);
  });

  it('is refused for one wrong line, by its number', () => {
    const { message, line, reason } = refusal(`${lineOf('a', 'k1')}\n\na S3cretKey\nworse\n`);
    assert.deepEqual([message, line], [`line 3: ${reason}`, 3]);
    assert.doesNotMatch(message, /S3cret/);
  });

  it('is refused when a key comes twice, by the numbers of both lines', () => {
    const twice = `# one\n${lineOf('a', 'k1')}\n${lineOf('b', 'k1')}\n`;
    assert.equal(refusal(twice).message, 'line 3: the same key as in line 2');
    assert.equal(refusal(twice.replace(/(?<=b sha256:).*/, (hex) => hex.toUpperCase())).line, 3);
  });

  it('is bounded in keys, lines and bytes', () => {
    const lines = Array.from({ length: MAX_FILE_KEYS }, (_, n) => lineOf('a', String(n)));
    assert.equal(parseKeyFile(lines.join('\n')).length, MAX_FILE_KEYS);
    const { message } = refusal([...lines, lineOf('a', 'more')].join('\n'));
    assert.equal(message, `line ${MAX_FILE_KEYS + 1}: expected at most ${MAX_FILE_KEYS} keys`);
    assert.deepEqual(parseKeyFile('#\n'.repeat(MAX_FILE_LINES - 1)), []);
    assert.equal(refusal('#\n'.repeat(MAX_FILE_LINES)).message, `expected at most ${MAX_FILE_LINES} lines`);
    assert.equal(refusal('#'.repeat(MAX_FILE_BYTES + 1)).message, `expected at most ${MAX_FILE_BYTES} bytes`);
  });

  it('is read as it is printed', () => {
    const records = fc.uniqueArray(anyRecord, { selector: ({ digest }) => digest, minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(records, fc.constantFrom('\n', '\r\n'), (all, end) => {
        const read = parseKeyFile(all.map(printKeyLine).join(end));
        assert.deepEqual(
          read,
          all.map((record, at) => ({ ...record, line: at + 1 })),
        );
      }),
    );
  });

  it('is refused with its own error, whatever stands in it, or read', () => {
    const line = fc.oneof(anyRecord.map(printKeyLine), fc.string(), anyText(10), fc.constant('#'));
    const text = fc
      .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n', '\r', '\0'))
      .map(([lines, end]) => lines.join(end));
    fc.assert(
      fc.property(text, (content) => {
        try {
          parseKeyFile(content);
        } catch (error) {
          if (!(error instanceof KeyFileError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
