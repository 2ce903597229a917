import assert from 'node:assert/strict';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { decodeFrame } from '../../client/decode.ts';
import { readFlashblockHead } from '../../shared/flashblock.ts';
import { decodeFrame as judge } from '../support/decode.ts';
import { allSamples } from '../support/fixtures.ts';

const inflate = (bytes: Uint8Array, maxBytes: number): Uint8Array | undefined => {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
};
const MAX = 1 << 24;

describe('the decoder of the client', () => {
  for (const { name, content, binaryOnly } of allSamples())
    it(`reads ${name} in every encoding as the tests' own decoder and the server's parser do`, () => {
      const frames = binaryOnly
        ? [{ isText: false, bytes: content }]
        : [
            { isText: true, bytes: content },
            { isText: false, bytes: content },
            { isText: false, bytes: brotliCompressSync(content) },
          ];
      for (const frame of frames) {
        const decoded = decodeFrame(frame, inflate, MAX);
        const judged = judge(Buffer.from(frame.bytes), !frame.isText);
        assert.equal(decoded.encoding, judged.kind);
        assert.deepEqual(Buffer.from(decoded.plain), judged.plain);
        const { json, ...head } = decoded.flashblock ?? {};
        assert.deepEqual(decoded.flashblock === undefined ? undefined : head, readFlashblockHead(judged.plain));
        if (decoded.flashblock !== undefined) assert.deepEqual(json, JSON.parse(judged.plain.toString()));
      }
    });

  it('leaves as it is what it cannot or must not inflate', () => {
    const bytes = brotliCompressSync(Buffer.from(`{"x":"${'x'.repeat(5000)}"}`));
    for (const decoded of [
      decodeFrame({ isText: false, bytes }, undefined, MAX),
      decodeFrame({ isText: false, bytes }, inflate, 4999),
      decodeFrame({ isText: false, bytes: brotliCompressSync(Buffer.from('no json')) }, inflate, MAX),
    ])
      assert.deepEqual([decoded.encoding, decoded.json, decoded.flashblock], ['raw', undefined, undefined]);
    assert.equal(decodeFrame({ isText: false, bytes }, inflate, MAX).encoding, 'br');
  });

  it('takes JSON that does not parse for a message without content', () => {
    const decoded = decodeFrame({ isText: true, bytes: Buffer.from('{"payload_id":') }, inflate, MAX);
    assert.deepEqual([decoded.encoding, decoded.json, decoded.flashblock], ['text', undefined, undefined]);
  });
});
