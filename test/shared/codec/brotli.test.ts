import assert from 'node:assert/strict';
import { brotliCompressSync, constants, createBrotliCompress } from 'node:zlib';
import fc from 'fast-check';
import {
  createCompressor,
  decompressBounded,
  type CompressionEngine,
  type Compressor,
} from '../../../shared/codec/brotli.ts';
import { brotliWasm } from '../../../shared/codec/wasm.ts';
import { capturedSamples, generatedSamples } from '../../support/fixtures.ts';

const MEGABYTE = 1_048_576;

/** A stream of a few hundred bytes that inflates to many megabytes of spaces after an opening brace. */
async function makeBomb(plainMegabytes: number): Promise<Buffer> {
  const compress = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
  const spaces = Buffer.alloc(MEGABYTE, ' ');
  compress.write('{');
  for (let written = 0; written < plainMegabytes; written++) compress.write(spaces);
  compress.end();
  const chunks: Buffer[] = [];
  for await (const chunk of compress) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('bounded brotli decoding', () => {
  it('gives back what was compressed, up to exactly the bound', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(11), (bytes, quality) => {
        const plain = Buffer.from(bytes);
        const payload = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
        assert.deepEqual(decompressBounded(payload, plain.length), { ok: true, plain });
        if (plain.length > 0)
          assert.deepEqual(decompressBounded(payload, plain.length - 1), { ok: false, reason: 'oversized' });
      }),
      { numRuns: 60 },
    );
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(400), (bytes, bound) => {
        const decoded = decompressBounded(Buffer.from(bytes), bound);
        if (decoded.ok) assert.ok(decoded.plain.length <= bound);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes a stream that is cut short anywhere, or followed by anything, for no brotli', () => {
    const plain = generatedSamples()[0]!.content;
    const payload = brotliCompressSync(plain);
    for (let length = 0; length < payload.length; length++) {
      assert.deepEqual(decompressBounded(payload.subarray(0, length), MEGABYTE), { ok: false, reason: 'not_brotli' });
    }
    for (const tail of [Buffer.from([0]), Buffer.from('{}'), payload]) {
      const followed = Buffer.concat([payload, tail]);
      assert.deepEqual(decompressBounded(followed, MEGABYTE), { ok: false, reason: 'not_brotli' });
    }
  });

  it('stops a bomb at the bound', async () => {
    const bomb = await makeBomb(400);
    assert.ok(bomb.length < MEGABYTE, `a bomb of ${bomb.length} bytes`);
    const peakBefore = process.resourceUsage().maxRSS;
    assert.deepEqual(decompressBounded(bomb, MEGABYTE), { ok: false, reason: 'oversized' });
    const grownKilobytes = process.resourceUsage().maxRSS - peakBefore;
    assert.ok(grownKilobytes < 100_000, `memory grew by ${grownKilobytes} KB`);
  });
});

for (const compressionEngine of ['native', 'wasm'] satisfies CompressionEngine[]) {
  describe(`the ${compressionEngine} engine`, () => {
    let compressor: Compressor;
    before(() => {
      compressor = createCompressor({ compressionEngine, compressionQuality: 4 });
    });
    after(() => compressor.stop());

    it('makes streams that brotli-wasm decodes to the same bytes: captured and generated messages', async () => {
      for (const { name, content } of [...capturedSamples(), ...generatedSamples()]) {
        const payload = await compressor.compress(content);
        assert.ok(Buffer.from(brotliWasm.decompress(payload)).equals(content), name);
        assert.ok(payload.length < content.length, `${name}: ${payload.length} of ${content.length} bytes`);
      }
    });

    it('compresses overlapping messages of all sizes, and leaves them as they were', async () => {
      const messages = [0, 1, 1000, 65_536, 65_537, 300_000].map((size) => Buffer.alloc(size, '{"a":1}'));
      const copies = messages.map((message) => Buffer.from(message));
      const payloads = await Promise.all(messages.map((message) => compressor.compress(message)));
      assert.deepEqual(messages, copies);
      for (const [place, payload] of payloads.entries()) {
        assert.deepEqual(decompressBounded(payload, MEGABYTE), { ok: true, plain: messages[place] });
      }
    });

    it('uses window 22, as the reference does', async () => {
      const payload = await compressor.compress(Buffer.alloc(100_000, 'flashblock'));
      // RFC 7932 9.1: the stream begins with WBITS; the bits 1101 (lowest first) mean 22.
      assert.equal(payload[0]! & 0x0f, 0b1011);
    });

    it('heeds the quality, and refuses to compress after its stop, which may be called twice', async () => {
      const { content } = generatedSamples()[1]!;
      const quick = createCompressor({ compressionEngine, compressionQuality: 0 });
      const sizes = [await compressor.compress(content), await quick.compress(content)].map(({ length }) => length);
      await quick.stop();
      await quick.stop();
      assert.ok(sizes[0]! < sizes[1]!, String(sizes));
      await assert.rejects(quick.compress(content), { name: 'CompressorError', reason: 'stopped' });
    });
  });
}
