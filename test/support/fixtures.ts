import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { SimulatedChain } from '../../tools/simulate/chain.ts';

/** A message and the frame that carries it. */
export interface Sample {
  readonly name: string;
  readonly content: Buffer;
  /** Whether it can only be sent as Binary, being no text. */
  readonly binaryOnly: boolean;
}

/** Messages captured on live chains, beside the project where its development machines have them. */
const CAPTURED = new URL('../../../shared/fixtures/flashblocks/', import.meta.url).pathname;

function json(name: string, content: Buffer | string): Sample {
  return { name, content: Buffer.from(content), binaryOnly: false };
}

/** Messages of the built-in chain: a whole block in usual sizes. */
export function generatedSamples(blockNumber = 50_400_000): Sample[] {
  const chain = new SimulatedChain({ seed: 7 });
  return Array.from({ length: 11 }, (_, index) =>
    json(`generated ${blockNumber}-${index}`, chain.message({ blockNumber, index })),
  );
}

/** Messages captured on live chains, or generated ones where the folder is absent. */
export function capturedSamples(): Sample[] {
  if (!existsSync(CAPTURED)) return generatedSamples(50_393_250);
  return readdirSync(CAPTURED, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => json(`captured ${name}`, readFileSync(join(CAPTURED, name))));
}

/** Shapes that pass through untouched although they are no flashblocks (upstream-and-stream, "What arrives from upstream"). */
export function oddSamples(): Sample[] {
  const flashblock = new SimulatedChain({ seed: 8 }).message({ blockNumber: 77, index: 1 });
  return [
    json('wrapper', `{"OpFlashblockPayload":${flashblock.toString()}}`),
    json('end marker', '{"payload_id":"0x03f4dcea174d9df1"}'),
    json('no metadata', '{"payload_id":"0x03f4dcea174d9df2","index":3,"diff":{"transactions":[]}}'),
    json('metadata null', '{"payload_id":"0x03f4dcea174d9df3","index":4,"diff":{},"metadata":null}'),
    json('empty metadata', '{"payload_id":"0x03f4dcea174d9df4","index":0,"diff":{},"metadata":{}}'),
    json('white space before the JSON', ' \r\n\t{"payload_id":"0x03f4dcea174d9df5"}\n'),
    json('unknown fields and escapes', '{"type":"hello","text":"\\u00e9 \\ud83d\\ude00 é 😀","n":1e400,"n":2}'),
    {
      name: 'marked Binary',
      content: Buffer.concat([Buffer.from([0x1e]), brotliCompressSync(flashblock)]),
      binaryOnly: true,
    },
    { name: 'unknown Binary', content: Buffer.from('ff00fe01fd02', 'hex'), binaryOnly: true },
  ];
}

/** Everything: captured, generated and odd. */
export function allSamples(): Sample[] {
  return [...capturedSamples(), ...generatedSamples(), ...oddSamples()];
}
