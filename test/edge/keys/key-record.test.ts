import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { KeyLineError, MAX_LIMIT, parseKeyLine, printKeyLine } from '../../../edge/keys/key-record.ts';
import { printTime } from '../../../edge/keys/rfc3339.ts';
import { anyRecord, anyText, digestHex } from './records.ts';

const digest = digestHex('a key');
const HASH = `sha256:${digest}`;

/** Another way of writing what a line says: one blank between words, no remark, small hex, its options in order, times in UTC. */
function normalised(line: string): string {
  const words = line
    .replace(/(^|[ \t]+)#.*$/su, '')
    .split(/[ \t]+/)
    .filter((word) => word !== '');
  const [application = '', hash = '', ...options] = words;
  const limit = options.find((option) => option.startsWith('limit='));
  const expires = options.find((option) => option.startsWith('expires='))?.slice('expires='.length);
  return [
    application,
    hash.toLowerCase(),
    ...(limit === undefined ? [] : [limit]),
    ...(expires === undefined ? [] : [`expires=${printTime(Math.floor(Date.parse(expires.toUpperCase())))}`]),
  ].join(' ');
}

describe('a line of the key file', () => {
  const expiresAt = Date.UTC(2027, 0, 31);
  for (const [line, record] of [
    [`app ${HASH}`, { application: 'app', digest }],
    [`app ${HASH} limit=10`, { application: 'app', digest, limit: 10 }],
    [`app ${HASH} expires=2027-01-31T00:00:00Z`, { application: 'app', digest, expiresAt }],
    [
      `app ${HASH} expires=2027-01-31T00:00:00Z limit=${MAX_LIMIT}`,
      { application: 'app', digest, limit: MAX_LIMIT, expiresAt },
    ],
    [`\t app \t ${HASH}\t`, { application: 'app', digest }],
    [`app SHA256:${digest.toUpperCase()}`, { application: 'app', digest }],
    [`app ${HASH} # of the second data centre, limit=9`, { application: 'app', digest }],
    [`__proto__ ${HASH}`, { application: '__proto__', digest }],
    [`${'a'.repeat(128)} ${HASH}`, { application: 'a'.repeat(128), digest }],
  ] as const) {
    it(`reads ${JSON.stringify(line.replaceAll(/[0-9a-f]{64}/gi, 'HEX'))}`, () => {
      assert.deepEqual(parseKeyLine(line), record);
    });
  }

  it('may have no key', () => {
    for (const line of ['', ' ', '\t', '# a remark', '  #app', `#app ${HASH}`])
      assert.equal(parseKeyLine(line), undefined);
  });

  for (const [what, line] of [
    ['no hash', 'app'],
    ['a key in the place of its hash', 'app S3cretKey-S3cretKey'],
    ['a hash that is cut', `app ${HASH.slice(0, -1)}`],
    ['a hash that is too long', `app ${HASH}0`],
    ['a hash of another kind', `app sha512:${digest}`],
    ['a hash without its kind', `app ${digest}`],
    ['a hash that is no hex', `app sha256:${'g'.repeat(64)}`],
    ['the hash in front', `${HASH} app`],
    ['a colon in the application', `a:S3cretKey ${HASH}`],
    ['a control character in the application', `a\u0007b ${HASH}`],
    ['white space of another kind', `app\u00a0${HASH}`],
    ['an application that is too long', `${'a'.repeat(129)} ${HASH}`],
    ['a limit of nothing', `app ${HASH} limit=0`],
    ['an empty limit', `app ${HASH} limit=`],
    ['a limit that is no number', `app ${HASH} limit=1e3`],
    ['a limit below zero', `app ${HASH} limit=-1`],
    ['a limit that is too large', `app ${HASH} limit=1000000000`],
    ['two limits', `app ${HASH} limit=1 limit=1`],
    ['a time without a zone', `app ${HASH} expires=2027-01-31T00:00:00`],
    ['a day that is not in the calendar', `app ${HASH} expires=2027-02-30T00:00:00Z`],
    ['two times', `app ${HASH} expires=2027-01-31T00:00:00Z expires=2027-01-31T00:00:00Z`],
    ['another word', `app ${HASH} S3cretKey`],
    ['an option with capitals', `app ${HASH} Limit=1`],
    ['an option of the prototype', `app ${HASH} __proto__=1`],
    ['a carriage return within', `app\r${HASH}`],
    ['far too much', `app ${HASH} #${'x'.repeat(1024)}`],
  ] as const) {
    it(`is refused with ${what}, and what stands in it is not repeated`, () => {
      assert.throws(
        () => parseKeyLine(line),
        (error: unknown) => {
          assert.ok(error instanceof KeyLineError);
          assert.match(error.message, /^expected /);
          for (const word of line.split(/[ \t]+/).filter((part) => part.length > 8))
            assert.ok(!error.message.includes(word), error.message);
          return !error.message.includes('S3cret');
        },
      );
    });
  }

  it('is read as it is printed', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        assert.deepEqual(parseKeyLine(printKeyLine(record)), record);
      }),
    );
  });

  it('is accepted only where it says what the line printed of it says, and else is refused with its own error', () => {
    const piece = fc.oneof(
      anyRecord.map(printKeyLine),
      fc.constantFrom(
        ' ',
        '\t',
        '#',
        'limit=',
        'expires=',
        'sha256:',
        HASH,
        'app',
        '7',
        '=',
        '\u00a0',
        '\r',
        '\n',
        ':',
      ),
      fc.string({ maxLength: 6 }),
      anyText(3),
    );
    const line = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
      fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(' ')),
      // A printed line in which one character is another, or is missing.
      fc.tuple(anyRecord.map(printKeyLine), fc.nat(), fc.string({ maxLength: 1 })).map(([text, at, char]) => {
        const place = at % text.length;
        return text.slice(0, place) + char + text.slice(place + 1);
      }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(line, (text) => {
        try {
          const record = parseKeyLine(text);
          if (record === undefined) return;
          accepted += 1;
          assert.equal(printKeyLine(record), normalised(text));
          assert.deepEqual(parseKeyLine(printKeyLine(record)), record);
        } catch (error) {
          if (!(error instanceof KeyLineError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 100, `only ${accepted} lines were accepted`);
  });
});
