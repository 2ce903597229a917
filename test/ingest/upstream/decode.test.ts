import assert from 'node:assert/strict';
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { decodeFrame } from '../../../ingest/upstream/decode.ts';
import { brotliWasm } from '../../../shared/codec/wasm.ts';
import { allSamples } from '../../support/fixtures.ts';

const MAX = 1_048_576;
/** Native brotli at the quality that publishers use, which is many times quicker than the default. */
function compress(plain: Buffer | string): Buffer {
  return brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
}
const OVERSIZED = { kind: 'oversized' };

describe('decoding what an upstream sent', () => {
  it('gives the same JSON bytes for Text, Binary and brotli of both engines: captured, generated and odd messages', () => {
    for (const { name, content, binaryOnly } of allSamples()) {
      if (binaryOnly) continue;
      const expected = { kind: 'json', content };
      assert.deepEqual(decodeFrame(content, false, MAX), expected, name);
      assert.deepEqual(decodeFrame(content, true, MAX), expected, name);
      assert.deepEqual(decodeFrame(compress(content), true, MAX), expected, name);
      assert.deepEqual(decodeFrame(Buffer.from(brotliWasm.compress(content)), true, MAX), expected, name);
    }
  });

  it('leaves Binary alone that is neither JSON nor brotli of JSON', () => {
    const text = Buffer.from('no JSON');
    const frames = [text, compress(text), compress(Buffer.alloc(0)), Buffer.alloc(0)];
    const odd = allSamples().filter(({ binaryOnly }) => binaryOnly);
    for (const content of [...frames, ...odd.map((sample) => sample.content)]) {
      assert.deepEqual(decodeFrame(content, true, MAX), { kind: 'raw', content });
    }
  });

  it('leaves Text alone that is no JSON, and does not look for brotli in it', () => {
    for (const text of ['', 'ping', '[1,2]', '  ']) {
      const content = Buffer.from(text);
      assert.deepEqual(decodeFrame(content, false, MAX), { kind: 'raw', content });
    }
  });

  it('bounds every form by its plain size, exactly', () => {
    const json = Buffer.from(JSON.stringify({ a: 'x'.repeat(1000) }));
    const raw = Buffer.alloc(1000, 0xff);
    for (const [data, isBinary, plainBytes] of [
      [json, false, json.length],
      [json, true, json.length],
      [compress(json), true, json.length],
      [raw, true, raw.length],
      [Buffer.from('x'.repeat(1000)), false, 1000],
    ] as const) {
      assert.notEqual(decodeFrame(data, isBinary, plainBytes).kind, 'oversized');
      assert.deepEqual(decodeFrame(data, isBinary, plainBytes - 1), OVERSIZED);
    }
  });

  it('measures brotli by its plain size, even where it is the larger one', () => {
    const json = Buffer.from('{"a":"xyz"}');
    const payload = compress(json);
    assert.ok(payload.length > json.length);
    assert.deepEqual(decodeFrame(payload, true, json.length), { kind: 'json', content: json });
  });

  it('takes a bomb for oversized without inflating it', () => {
    const bomb = compress(Buffer.alloc(64 * MAX, ' '));
    const before = process.memoryUsage().arrayBuffers;
    assert.deepEqual(decodeFrame(bomb, true, MAX), OVERSIZED);
    assert.ok(process.memoryUsage().arrayBuffers - before < 8 * MAX);
  });

  it('never throws, and gives back JSON, brotli of JSON, or the frame itself', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.json().map((text) => compress(text)),
      fc.json().map((text) => compress(text).subarray(1)),
    );
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.nat(300), (data, isBinary, max) => {
        const frame = decodeFrame(Buffer.from(data), isBinary, max);
        if (frame.kind === 'oversized') return;
        assert.ok(frame.content.length <= max);
        if (frame.kind === 'raw') assert.deepEqual(frame.content, Buffer.from(data));
        else assert.equal(frame.content.toString().trimStart()[0], '{');
      }),
      { numRuns: 1000 },
    );
  });
});
