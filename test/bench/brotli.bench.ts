/**
 * What brotli's qualities cost and save, for COMPRESSION_QUALITY: `node --import=ts-blank-space/register test/bench/brotli.bench.ts`.
 * The qualities take turns within one run. Before each message the caches are emptied, as between two flashblocks an edge
 * and its neighbours do it: a tight loop flatters the qualities that search most.
 */
import { brotliCompressSync } from 'node:zlib';
import { brotliOptions } from '../../shared/codec/brotli-options.ts';
import { SimulatedChain } from '../../tools/simulate/chain.ts';

const QUALITIES = [1, 2, 3, 4, 5, 6];
const COMPARED = 4;
const MESSAGES = 100;
/** More than the last-level share of a core. */
const CACHE_BYTES = 16_777_216;
const CACHE_LINE = 64;

const chain = new SimulatedChain({ seed: 7 });
const messages = Array.from({ length: MESSAGES }, (_, at) =>
  chain.message({ blockNumber: 1 + at, index: 1 + (at % 10) }),
);
const ballast = Buffer.alloc(CACHE_BYTES);

function emptyCaches(): void {
  for (let at = 0; at < ballast.length; at += CACHE_LINE) ballast[at] = at & 0xff;
}

const measured = QUALITIES.map((quality) => ({ quality, times: [] as number[], bytes: 0 }));
for (const message of messages) {
  for (const figures of measured) {
    emptyCaches();
    const startedAt = performance.now();
    const { length } = brotliCompressSync(message, brotliOptions(message.length, figures.quality));
    figures.times.push(performance.now() - startedAt);
    figures.bytes += length;
  }
}

const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? NaN;
const of = (wanted: number) => measured.find(({ quality }) => quality === wanted)!;
for (const { quality, times, bytes } of measured) {
  const ms = median(times);
  console.log(
    `quality ${quality}: ${ms.toFixed(2)} ms a message, ${(ms / median(of(COMPARED).times)).toFixed(2)} of quality ${COMPARED}'s; ` +
      `${(bytes / MESSAGES).toFixed(0)} B, ${(bytes / of(COMPARED).bytes).toFixed(3)}`,
  );
}
