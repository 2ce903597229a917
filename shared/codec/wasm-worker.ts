/** The worker thread of the `wasm` engine: one job at a time, answers in order. */
import { parentPort } from 'node:worker_threads';
import type { WasmJob, WasmResult } from './wasm-compressor.ts';
import { brotliWasm } from './wasm.ts';

function run(job: WasmJob): WasmResult {
  try {
    return { id: job.id, compressed: brotliWasm.compress(job.plain, { quality: job.quality }) };
  } catch (error) {
    // Strings are refusals. Anything else is a trap, after which the instance's memory is not to be trusted: the thread
    // ends, and a new one takes its place.
    if (typeof error !== 'string') throw error;
    return { id: job.id };
  }
}

parentPort?.on('message', (job: WasmJob) => {
  const result = run(job);
  parentPort?.postMessage(result, result.compressed ? [result.compressed.buffer as ArrayBuffer] : []);
});
