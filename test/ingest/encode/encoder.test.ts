import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { createEncoder, type Encoder } from '../../../ingest/encode/encoder.ts';
import { CompressorError, type Compressor } from '../../../shared/codec/compressor.ts';
import { brotliWasm } from '../../../shared/codec/wasm.ts';
import { createEncodingMetrics } from '../../../shared/metrics/encoding-metrics.ts';
import { allSamples } from '../../support/fixtures.ts';

const OPTIONS = { compressionEngine: 'native', compressionQuality: 4 } as const;
const MESSAGE = { kind: 'json', content: Buffer.from('{"a":1}') } as const;

interface Rig {
  readonly encoder: Encoder;
  readonly registry: Registry;
  readonly lines: string[];
}

function createRig(compressor?: Compressor): Rig {
  const registry = new Registry();
  const lines: string[] = [];
  const note = (...line: unknown[]): void => {
    lines.push(line.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '));
  };
  const deps = { metrics: createEncodingMetrics(registry), log: { info: note, warn: note } };
  return { encoder: createEncoder(OPTIONS, { ...deps, ...(compressor && { compressor }) }), registry, lines };
}

/** An engine that gives what the test says, or fails where that is an error. */
function engineOf(results: (Buffer | Error)[]): Compressor {
  return {
    compress: () => {
      const result = results.shift() ?? new CompressorError('failed');
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
    stop: () => Promise.resolve(),
  };
}

describe('the encoder', () => {
  it('compresses JSON so that brotli-wasm decodes it byte for byte: captured, generated and odd messages', async () => {
    const { encoder } = createRig();
    for (const { name, content, binaryOnly } of allSamples()) {
      if (binaryOnly) continue;
      const { payload, payloadEncoding } = await encoder.encode({ kind: 'json', content });
      assert.equal(payloadEncoding, 'brotli', name);
      assert.ok(Buffer.from(brotliWasm.decompress(payload)).equals(content), name);
    }
    await encoder.stop();
  });

  it('leaves raw messages as they are', async () => {
    const { encoder } = createRig();
    for (const { name, content, binaryOnly } of allSamples()) {
      if (!binaryOnly) continue;
      assert.deepEqual(
        await encoder.encode({ kind: 'raw', content }),
        { payload: content, payloadEncoding: 'plain' },
        name,
      );
    }
    await encoder.stop();
  });

  it('sends messages plain while the engine fails, and tells when that begins and ends', async () => {
    const failure = new CompressorError('failed');
    const compressed = brotliWasm.compress(MESSAGE.content);
    const { encoder, lines } = createRig(engineOf([failure, failure, Buffer.from(compressed), failure]));
    const encodings: string[] = [];
    for (let message = 0; message < 4; message++) encodings.push((await encoder.encode(MESSAGE)).payloadEncoding);
    assert.deepEqual(encodings, ['plain', 'plain', 'brotli', 'plain']);
    assert.deepEqual(lines, [
      'compression fails, messages go out plain',
      '{"plainMessages":2} compression works again',
      'compression fails, messages go out plain',
    ]);
  });

  it('sends a message plain whose brotli form consumers would take for JSON', async () => {
    const { encoder } = createRig(engineOf([Buffer.from('\v{brotli by chance}')]));
    assert.deepEqual(await encoder.encode(MESSAGE), { payload: MESSAGE.content, payloadEncoding: 'plain' });
  });

  it('loses nothing when it is stopped, which may be done twice, and logs nothing then', async () => {
    const { encoder, lines } = createRig();
    const large = { kind: 'json', content: Buffer.alloc(100_000, '{"a":1}') } as const;
    const before = encoder.encode(large);
    await encoder.stop();
    await encoder.stop();
    assert.ok((await before).payload.length > 0);
    assert.deepEqual(await encoder.encode(large), { payload: large.content, payloadEncoding: 'plain' });
    assert.deepEqual(lines, []);
  });

  it('measures sizes of both forms, and the time of compressing', async () => {
    const { encoder, registry } = createRig();
    const { payload } = await encoder.encode(MESSAGE);
    await encoder.encode({ kind: 'raw', content: Buffer.alloc(100) });
    const text = await registry.metrics();
    for (const line of [
      'flashcast_message_bytes_sum{encoding="plain"} 107',
      `flashcast_message_bytes_sum{encoding="brotli"} ${payload.length}`,
      'flashcast_encode_duration_seconds_count{encoding="brotli"} 1',
    ]) {
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
    }
    await encoder.stop();
  });
});
