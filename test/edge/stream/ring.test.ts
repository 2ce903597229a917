import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { RingEntry } from '../../../edge/stream/contract.ts';
import { BINARY, TEXT, dataFrame } from '../../../edge/stream/frame.ts';
import type { RingCodec } from '../../../edge/stream/ring-entry.ts';
import { createRing, type RingBounds } from '../../../edge/stream/ring.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import { createEncodingMetrics } from '../../../shared/metrics/encoding-metrics.ts';
import { Registry } from 'prom-client';
import { envelopeOf } from './envelopes.ts';

const ROOMY: RingBounds = { streamMaxMessages: 256, streamMaxBytes: 1_000_000 };

function setUp(bounds: RingBounds = ROOMY) {
  const registry = new Registry();
  const calls = { compress: 0, decompress: 0 };
  const undecodable: RingEntry[] = [];
  const codec: RingCodec = {
    compress(plain) {
      calls.compress += 1;
      return brotliCompressSync(plain);
    },
    decompress(payload, plainLength) {
      calls.decompress += 1;
      try {
        return brotliDecompressSync(payload, { maxOutputLength: plainLength });
      } catch {
        return undefined;
      }
    },
  };
  const metrics = createEncodingMetrics(registry);
  const ring = createRing(bounds, { codec, metrics, onUndecodable: (entry) => undecodable.push(entry) });
  const append = (envelope: Envelope, lostBefore = 0) => ring.append({ envelope, lostBefore }, 5);
  return { ring, append, calls, undecodable, registry };
}

const plain = Buffer.from(JSON.stringify({ index: 0, note: 'flashblock '.repeat(100) }));
const compressed = brotliCompressSync(plain);
const brotliEnvelope = (fields: Partial<Envelope> = {}) =>
  envelopeOf(1, { plain, plainLength: plain.length, payload: compressed, payloadEncoding: 'brotli', ...fields });
/** As a message arrives from Redis: `envelopeOf` uses `plain` for its content only. */
const plainEnvelope = (fields: Partial<Envelope> = {}) => envelopeOf(1, { plain, ...fields });

describe('ring', () => {
  it('numbers its entries from 0 and keeps what was delivered with them', () => {
    const { ring, append } = setUp();
    assert.deepEqual([ring.head, ring.tail], [0, 0]);
    const entry = append(plainEnvelope(), 3);
    append(envelopeOf(2));
    assert.deepEqual([ring.head, ring.tail], [2, 0]);
    assert.equal(ring.at(0), entry);
    assert.deepEqual([entry.ordinal, entry.lostBefore, entry.arrivedAt], [0, 3, 5]);
    assert.equal(ring.at(1)?.envelope.sequence, 2);
  });

  it('has nothing at ordinals that it does not hold', () => {
    const { ring, append } = setUp({ ...ROOMY, streamMaxMessages: 2 });
    for (const sequence of [1, 2, 3]) append(envelopeOf(sequence));
    for (const ordinal of [-1, 0, 3, 4, 0.5, NaN]) assert.equal(ring.at(ordinal), undefined);
    assert.deepEqual([ring.at(1)?.envelope.sequence, ring.at(2)?.envelope.sequence], [2, 3]);
  });

  it('ends at its number of messages', () => {
    const { ring, append } = setUp({ ...ROOMY, streamMaxMessages: 3 });
    for (let sequence = 1; sequence <= 10; sequence += 1) append(envelopeOf(sequence));
    assert.deepEqual([ring.tail, ring.head], [7, 10]);
  });

  it('ends at its bytes, frames included', () => {
    const { ring, append } = setUp({ ...ROOMY, streamMaxBytes: 250 });
    for (let sequence = 1; sequence <= 5; sequence += 1) append(envelopeOf(sequence, { plain: Buffer.alloc(98, 'x') }));
    assert.deepEqual([ring.tail, ring.head, ring.bytes], [3, 5, 200]);
    ring.at(4)?.frame('text');
    assert.deepEqual([ring.tail, ring.head, ring.bytes], [4, 5, 200]);
  });

  it('keeps the newest message even where it alone exceeds the bytes', () => {
    const { ring, append } = setUp({ ...ROOMY, streamMaxBytes: 10 });
    append(plainEnvelope());
    append(plainEnvelope());
    assert.deepEqual([ring.tail, ring.head], [1, 2]);
    assert.ok(ring.at(1)?.frame('text'));
    assert.equal(ring.tail, 1);
  });

  it('counts no frame for a message that it let go', () => {
    const { ring, append } = setUp({ ...ROOMY, streamMaxMessages: 1 });
    const gone = append(plainEnvelope());
    append(plainEnvelope());
    const before = ring.bytes;
    assert.ok(gone.frame('text'));
    assert.equal(ring.bytes, before);
  });

  it('refuses a bound that is no whole number from 1', () => {
    for (const streamMaxMessages of [0, -1, 1.5, NaN]) {
      assert.throws(() => setUp({ ...ROOMY, streamMaxMessages }), RangeError);
    }
  });

  it('keeps to its bounds and its bytes whatever is appended and asked for', () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 0, max: 300 }), brotli: fc.boolean() }),
      fc.record({ back: fc.nat(8), encoding: fc.constantFrom('br' as const, 'identity' as const, 'text' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { ring, append } = setUp({ streamMaxMessages: 5, streamMaxBytes: 900 });
        for (const action of steps) {
          if ('append' in action) {
            const content = randomBytes(action.append).toString('hex').slice(0, action.append);
            const bytes = Buffer.from(content);
            append(
              envelopeOf(ring.head + 1, {
                plain: bytes,
                ...(action.brotli && { payload: brotliCompressSync(bytes), payloadEncoding: 'brotli' as const }),
              }),
            );
          } else {
            ring.at(ring.head - 1 - action.back)?.frame(action.encoding);
          }
          const kept = Array.from({ length: ring.head - ring.tail }, (_, at) => ring.at(ring.tail + at));
          assert.ok(kept.every((entry, at) => entry?.ordinal === ring.tail + at));
          assert.equal(
            ring.bytes,
            kept.reduce((sum, entry) => sum + (entry?.bytes ?? NaN), 0),
          );
          assert.ok(kept.length <= 5 && (ring.bytes <= 900 || kept.length === 1));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('frames of the ring', () => {
  it('come straight from a brotli payload for br', () => {
    const { append, calls } = setUp();
    assert.deepEqual(append(brotliEnvelope()).frame('br'), dataFrame(BINARY, compressed));
    assert.deepEqual(calls, { compress: 0, decompress: 0 });
  });

  it('of plain JSON are made by decompressing once, whoever asks', () => {
    const { append, calls } = setUp();
    const entry = append(brotliEnvelope());
    const text = entry.frame('text');
    assert.deepEqual(text, dataFrame(TEXT, plain));
    assert.deepEqual(entry.frame('identity'), dataFrame(BINARY, plain));
    assert.equal(entry.frame('text'), text);
    assert.deepEqual(calls, { compress: 0, decompress: 1 });
  });

  it('of plain JSON need no decompression where the process has the plain content', () => {
    const { append, calls } = setUp();
    const entry = append({ ...brotliEnvelope(), plain });
    assert.deepEqual(entry.frame('identity'), dataFrame(BINARY, plain));
    assert.deepEqual(entry.frame('text'), dataFrame(TEXT, plain));
    assert.deepEqual(calls, { compress: 0, decompress: 0 });
  });

  it('come straight from a plain payload for identity and text', () => {
    const { append, calls } = setUp();
    const entry = append(plainEnvelope());
    assert.deepEqual(entry.frame('identity'), dataFrame(BINARY, plain));
    assert.deepEqual(entry.frame('text'), dataFrame(TEXT, plain));
    assert.deepEqual(calls, { compress: 0, decompress: 0 });
  });

  it('of a plain payload are compressed once for br', () => {
    const { append, calls } = setUp();
    const entry = append(plainEnvelope());
    const frame = entry.frame('br');
    assert.deepEqual(frame, dataFrame(BINARY, compressed));
    assert.equal(entry.frame('br'), frame);
    assert.deepEqual(calls, { compress: 1, decompress: 0 });
  });

  for (const payloadEncoding of ['plain', 'brotli'] as const) {
    it(`of a raw message are one and the same Binary frame for every encoding (payload ${payloadEncoding})`, () => {
      const { append } = setUp();
      const fields = { kind: 'raw' as const };
      const entry = append(payloadEncoding === 'plain' ? plainEnvelope(fields) : brotliEnvelope(fields));
      const frame = entry.frame('identity');
      assert.deepEqual(frame, dataFrame(BINARY, plain));
      assert.equal(entry.frame('br'), frame);
      assert.equal(entry.frame('text'), frame);
    });
  }

  for (const [lie, fields] of [
    ['says less than it has', { plainLength: plain.length - 1 }],
    ['says more than it has', { plainLength: plain.length + 1 }],
    ['is no brotli', { payload: Buffer.from('no brotli at all') }],
    ['says more than the whole stream may have', { plainLength: 4_000_000_000 }],
  ] as [string, Partial<Envelope>][]) {
    it(`of an envelope that ${lie} are undefined, told once and tried once`, () => {
      const { append, calls, undecodable } = setUp();
      const entry = append(brotliEnvelope(fields));
      for (let client = 0; client < 3; client += 1) {
        assert.equal(entry.frame('identity'), undefined);
        assert.equal(entry.frame('text'), undefined);
      }
      assert.deepEqual(undecodable, [entry]);
      assert.ok(calls.decompress <= 1);
      assert.ok(entry.frame('br'), 'the compressed form goes to those who asked for it');
    });
  }

  it('are not made as Text of what is not UTF-8, which would end the connection of every text client', () => {
    const { append, undecodable } = setUp();
    const entry = append(plainEnvelope({ plain: Buffer.from([0x7b, 0xff, 0xfe]) }));
    assert.equal(entry.frame('text'), undefined);
    assert.equal(entry.frame('text'), undefined);
    assert.ok(entry.frame('identity'));
    assert.deepEqual(undecodable, [entry]);
  });

  it('hold the payload, so that the message and its network buffer are not kept beside them', () => {
    const { append } = setUp();
    const network = Buffer.concat([Buffer.alloc(65_536), compressed]);
    const entry = append(brotliEnvelope({ payload: network.subarray(65_536) }));
    assert.equal(entry.envelope.payload.buffer, entry.frame('br')?.buffer);
    assert.deepEqual(entry.envelope.payload, compressed);
    assert.equal(entry.bytes, entry.frame('br')?.length);
  });

  it('are measured where they had to be made', async () => {
    const { append, registry } = setUp();
    append(brotliEnvelope()).frame('text');
    append(plainEnvelope()).frame('br');
    const text = await registry.metrics();
    assert.match(text, /flashcast_encode_duration_seconds_count\{encoding="identity"\} 1/);
    assert.match(text, /flashcast_encode_duration_seconds_count\{encoding="br"\} 1/);
    assert.match(text, new RegExp(`flashcast_message_bytes_sum\\{encoding="br"\\} ${compressed.length}`));
  });
});
