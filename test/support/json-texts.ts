/** Generators of JSON text as no serializer writes it: for parsers that must agree with `JSON.parse`. */
import fc from 'fast-check';

const SPACE = fc.constantFrom('', '', '', '', ' ', '\n', '\r\n\t', '  ');

/** Numbers in every notation, at and beyond the bounds that a flashblock's have. */
const NUMBER = fc.oneof(
  fc.constantFrom(
    ...['0', '-0', '1', '7', '1e3', '1E+3', '10e-1', '1.0', '0.0', '-1', '65535', '65536', '1.5', '1e400', '-0.0e-0'],
    ...['9007199254740991', '9007199254740992', '9007199254740991.0', '0.1e1', '123456789012345678901234567890'],
  ),
  fc.nat(70_000).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);

/** What is nearly a value. */
const NO_VALUE = fc.constantFrom(
  ...['01', '+1', '.5', '1.', '1e', '1e+', '--1', '0x1', 'NaN', 'Infinity', '-', '1_0', 'nul', 'True', 'undefined'],
  ...[
    '"\\x"',
    '"\\u00g0"',
    '"\\u00"',
    '"\u0001"',
    '"',
    "'a'",
    '"\\"',
    '',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{,}',
    '{a:1}',
    '[}',
    '{]',
  ],
);

/** A text between quotes, its characters escaped or not as it is drawn. */
function quoted(text: string, escapes: readonly number[]): string {
  const units = Array.from({ length: text.length }, (_, at) => {
    const unit = text.charCodeAt(at);
    const hex = unit.toString(16).padStart(4, '0');
    switch (escapes[at % Math.max(escapes.length, 1)] ?? 0) {
      case 1:
        return `\\u${hex}`;
      case 2:
        return `\\u${hex.toUpperCase()}`;
      default:
        return JSON.stringify(text[at]).slice(1, -1);
    }
  });
  return `"${units.join('')}"`;
}

function stringOf(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.array(fc.constantFrom(0, 0, 0, 1, 2), { maxLength: 5 }))
    .map(([value, escapes]) => quoted(value, escapes));
}

const TEXT = fc.oneof(
  fc.constantFrom(
    '',
    '5-2',
    '0-0',
    '65535-65536',
    '9007199254740992-1',
    '1-65535',
    '0x03f4dcea174d9df1',
    '😀é',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.nat(140).map((length) => 'x'.repeat(length)),
  fc.nat(140).map((length) => 'é'.repeat(length)),
);

const SCALAR = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(NUMBER, stringOf(TEXT), fc.constantFrom('true', 'false', 'null')) },
  { weight: 1, arbitrary: NO_VALUE },
);

function objectOf(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const member = fc.tuple(SPACE, key, SPACE, SPACE, value, SPACE);
  return fc
    .tuple(fc.array(member, { maxLength: 6 }), fc.constantFrom('', '', '', '', '', ','))
    .map(([members]) => `{${members.map(([a, name, b, c, held, d]) => `${a}${name}${b}:${c}${held}${d}`).join(',')}}`);
}

const ANY = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    SCALAR,
    fc.array(tie('value'), { maxLength: 3 }).map((values) => `[${values.join(',')}]`),
    objectOf(stringOf(fc.constantFrom('a', 'index', 'metadata', '__proto__')), tie('value')),
  ),
})).value;

const METADATA = objectOf(
  stringOf(
    fc.constantFrom(
      'block_number',
      'block_number',
      'prev_flashblock_id',
      'block_numbe',
      'block_numbers',
      '__proto__',
      'index',
    ),
  ),
  fc.oneof(NUMBER, stringOf(TEXT), ANY),
);

/** Most members are those that count, so that many texts are flashblocks; any may come twice or be something else. */
const MESSAGE = fc
  .tuple(
    SPACE,
    objectOf(
      stringOf(
        fc.constantFrom(
          'payload_id',
          'index',
          'metadata',
          'metadata',
          'diff',
          'index_',
          'payload_',
          '__proto__',
          'constructor',
        ),
      ),
      fc.oneof(NUMBER, stringOf(TEXT), METADATA, ANY),
    ),
    SPACE,
  )
  .map((parts) => parts.join(''));

const WHOLE = fc.oneof(fc.nat(65_535).map(String), fc.constantFrom('1e3', '7.0', '0'), NUMBER);

/** A whole flashblock into which such members were put, before and behind its own. */
const FLASHBLOCK = fc
  .tuple(MESSAGE, stringOf(TEXT), WHOLE, METADATA, WHOLE, fc.oneof(MESSAGE, fc.constant('{}')))
  .map(([before, payloadId, index, metadata, blockNumber, behind]) => {
    const members = (object: string): string => object.trim().slice(1, -1).replace(/,$/, '');
    const own = [
      `"payload_id":${payloadId}`,
      `"index":${index}`,
      `"metadata":{${[members(metadata), `"block_number":${blockNumber}`].filter(Boolean).join(',')}}`,
    ];
    return `{${[members(before), ...own, members(behind)].filter(Boolean).join(',')}}`;
  });

const BYTES_OF_JSON = Buffer.from('{}[]:,"\\/ut0159-+.eE \n\t\u0000\u001fn\u007f');

const CHANGE = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('replace', 'insert', 'delete', 'cut', 'repeat'),
  byte: fc.oneof(fc.constantFrom(...BYTES_OF_JSON), fc.nat(255)),
});

function changed(bytes: Buffer, { at, kind, byte }: { at: number; kind: string; byte: number }): Buffer {
  const place = bytes.length === 0 ? 0 : at % bytes.length;
  const [before, behind] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (kind) {
    case 'replace':
      return Buffer.concat([before, Buffer.from([byte]), behind.subarray(1)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from([byte]), behind]);
    case 'delete':
      return Buffer.concat([before, behind.subarray(1)]);
    case 'cut':
      return Buffer.from(before);
    default:
      return Buffer.concat([before, behind, behind]);
  }
}

/** Bytes of JSON, of almost JSON and of messages that are nearly flashblocks. */
export const JSON_BYTES: fc.Arbitrary<Buffer> = fc
  .tuple(fc.oneof(FLASHBLOCK, FLASHBLOCK, MESSAGE, ANY), fc.oneof(fc.constant([]), fc.array(CHANGE, { maxLength: 2 })))
  .map(([text, changes]) => changes.reduce(changed, Buffer.from(text)));
