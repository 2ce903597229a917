import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_FLASHBLOCK_INDEX, MAX_PAYLOAD_ID_LENGTH } from '../../shared/flashblock.ts';
import {
  EnvelopeError,
  STAMP_LENGTH,
  STAMP_OFFSET,
  contentHashOf,
  decodeEnvelope,
  encodeEnvelope,
  encodeStamp,
  encodedLength,
  type Envelope,
} from '../../shared/envelope.ts';

const wholeNumber = fc.maxSafeNat();
const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
  .filter((hex) => !/^0+$/.test(hex));
const idOrNone = fc.oneof(id, fc.constant(''));
const wellFormed = (text: string) => Buffer.from(text).toString() === text;

const envelopes: fc.Arbitrary<Envelope> = fc
  .record(
    {
      epoch: idOrNone,
      sequence: wholeNumber,
      previousEpoch: idOrNone,
      previousSequence: wholeNumber,
      token: id,
      predecessor: idOrNone,
      kind: fc.constantFrom('json' as const, 'raw' as const),
      restart: fc.boolean(),
      position: fc.record({ blockNumber: wholeNumber, index: fc.nat(MAX_FLASHBLOCK_INDEX) }, { noNullPrototype: true }),
      payloadId: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
        .filter((text) => wellFormed(text) && text.length <= MAX_PAYLOAD_ID_LENGTH),
      contentHash: fc.uint8Array().map((bytes) => contentHashOf(Buffer.from(bytes))),
      receivedAtMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
      ingestId: fc.string({ maxLength: 60 }),
      plainLength: fc.nat(0xffff_ffff),
      payloadEncoding: fc.constantFrom('plain' as const, 'brotli' as const),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    },
    {
      noNullPrototype: true,
      requiredKeys: [
        'epoch',
        'sequence',
        'previousEpoch',
        'previousSequence',
        'token',
        'predecessor',
        'kind',
        'restart',
        'contentHash',
        'receivedAtMs',
        'ingestId',
        'plainLength',
        'payloadEncoding',
        'payload',
      ],
    },
  )
  .map((made) => ({ ...made, ...(made.payloadEncoding === 'plain' && { plainLength: made.payload.length }) }));

function sample(): Envelope {
  const payload = Buffer.from('{"index":1}');
  return {
    epoch: 'e'.repeat(32),
    sequence: 7,
    previousEpoch: '',
    previousSequence: 0,
    token: 'a'.repeat(32),
    predecessor: 'b'.repeat(32),
    kind: 'json',
    restart: false,
    position: { blockNumber: 5, index: 1 },
    payloadId: '0x0011223344556677',
    contentHash: contentHashOf(payload),
    receivedAtMs: 1_700_000_000_000.25,
    ingestId: 'ingest-1',
    plainLength: payload.length,
    payloadEncoding: 'plain',
    payload,
  };
}

describe('the envelope', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const bytes = encodeEnvelope(envelope);
        assert.equal(bytes.length, encodedLength(envelope));
        assert.deepEqual(decodeEnvelope(bytes), envelope);
      }),
    );
  });

  it('holds a payload id of the longest length in characters of three bytes', () => {
    const envelope = { ...sample(), payloadId: '\u20ac'.repeat(MAX_PAYLOAD_ID_LENGTH) };
    assert.deepEqual(decodeEnvelope(encodeEnvelope(envelope)), envelope);
  });

  it('cuts an ingest id at 255 bytes', () => {
    const bytes = encodeEnvelope({ ...sample(), ingestId: 'i'.repeat(300) });
    assert.equal(decodeEnvelope(bytes).ingestId, 'i'.repeat(255));
    assert.equal(bytes.length, encodedLength({ ...sample(), ingestId: 'i'.repeat(300) }));
  });

  it('is stamped by replacing the bytes at its stamp offset alone', () => {
    const bytes = encodeEnvelope({ ...sample(), epoch: '', sequence: 0 });
    const stamp = {
      epoch: 'c'.repeat(32),
      sequence: 2 ** 53 - 1,
      previousEpoch: 'd'.repeat(32),
      previousSequence: 2 ** 33,
    };
    const stamped = Buffer.concat([
      bytes.subarray(0, STAMP_OFFSET),
      encodeStamp(stamp),
      bytes.subarray(STAMP_OFFSET + STAMP_LENGTH),
    ]);
    assert.deepEqual(decodeEnvelope(stamped), { ...sample(), ...stamp });
  });

  it('skips fields that a later release adds at the end of the header', () => {
    const bytes = encodeEnvelope(sample());
    const headerLength = bytes.readUInt16BE(1);
    const longer = Buffer.concat([
      bytes.subarray(0, headerLength),
      Buffer.alloc(9, 0xff),
      bytes.subarray(headerLength),
    ]);
    longer.writeUInt16BE(headerLength + 9, 1);
    assert.deepEqual(decodeEnvelope(longer), sample());
  });

  it('names the version where a later release breaks the format', () => {
    const bytes = encodeEnvelope(sample());
    bytes.writeUInt8(9, 0);
    assert.throws(
      () => decodeEnvelope(bytes),
      (error) => error instanceof EnvelopeError && error.version === 9,
    );
  });

  it('refuses bytes that are cut short at any place of the header, without naming a version', () => {
    const bytes = encodeEnvelope(sample());
    for (let length = 0; length < bytes.readUInt16BE(1); length += 1) {
      assert.throws(
        () => decodeEnvelope(bytes.subarray(0, length)),
        (error) => error instanceof EnvelopeError && error.version === undefined,
      );
    }
  });

  it('refuses a plain payload that is cut short', () => {
    const bytes = encodeEnvelope(sample());
    assert.throws(() => decodeEnvelope(bytes.subarray(0, bytes.length - 1)), EnvelopeError);
  });

  it('refuses numbers that JavaScript cannot hold', () => {
    for (const offset of [19, 43, 86]) {
      const bytes = encodeEnvelope(sample());
      bytes.writeBigUInt64BE(2n ** 53n, offset);
      assert.throws(() => decodeEnvelope(bytes), EnvelopeError);
    }
  });

  it('answers any bytes with an envelope or an EnvelopeError', () => {
    const mutated = fc.tuple(fc.nat(200), fc.uint8Array({ minLength: 1, maxLength: 4 })).map(([at, junk]) => {
      const bytes = encodeEnvelope(sample());
      bytes.set(junk, Math.min(at, bytes.length - junk.length));
      return bytes;
    });
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          try {
            decodeEnvelope(bytes);
          } catch (error) {
            assert.ok(error instanceof EnvelopeError);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
