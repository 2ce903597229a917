import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { parseTime, printTime } from '../../../edge/keys/rfc3339.ts';

describe('times of RFC 3339', () => {
  for (const [text, iso] of [
    ['2027-01-31T00:00:00Z', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31t12:30:00z', '2027-01-31T12:30:00.000Z'],
    ['2027-01-31T00:30:00+01:00', '2027-01-30T23:30:00.000Z'],
    ['2027-01-30T23:30:00-05:30', '2027-01-31T05:00:00.000Z'],
    ['2027-01-31T00:00:00.5Z', '2027-01-31T00:00:00.500Z'],
    ['2027-01-31T00:00:00.123999999Z', '2027-01-31T00:00:00.123Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['1970-01-01T00:00:00-00:00', '1970-01-01T00:00:00.000Z'],
  ] as const) {
    it(`read ${text}`, () => {
      assert.equal(parseTime(text), Date.parse(iso));
    });
  }

  for (const text of [
    '',
    '2027-01-31',
    '2027-01-31T00:00Z',
    '2027-01-31 00:00:00Z',
    '2027-01-31T00:00:00',
    '2027-02-29T00:00:00Z',
    '2027-13-01T00:00:00Z',
    '2027-00-01T00:00:00Z',
    '2027-01-32T00:00:00Z',
    '2027-01-31T24:00:00Z',
    '2027-01-31T00:60:00Z',
    '2027-01-31T23:59:60Z',
    '2027-01-31T00:00:00+24:00',
    '2027-01-31T00:00:00+0100',
    '2027-01-31T00:00:00.Z',
    '2027-01-31T00:00:00.1234567890Z',
    '+002027-01-31T00:00:00Z',
    '27-01-31T00:00:00Z',
    '0050-01-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    ' 2027-01-31T00:00:00Z',
    '2027-01-31T00:00:00Z\n',
    '٢٠٢٧-01-31T00:00:00Z',
    '1801440000000',
    'tomorrow',
  ]) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      assert.equal(parseTime(text), undefined);
    });
  }

  it('are printed as they are read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }), (time) => {
        assert.equal(parseTime(printTime(time)), time);
      }),
    );
  });

  it('are the same moment with any offset', () => {
    const offset = fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59));
    fc.assert(
      fc.property(fc.integer({ min: 86_400_000, max: Date.UTC(9999, 0) }), offset, (time, [sign, hours, minutes]) => {
        const shift = (hours * 60 + minutes) * 60_000 * (sign === '-' ? -1 : 1);
        const zone = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
        assert.equal(parseTime(new Date(time + shift).toISOString().replace('Z', zone)), time);
      }),
    );
  });
});
