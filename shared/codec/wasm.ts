/**
 * The one place that loads brotli-wasm. Its export map leads an ESM import to the browser build, so that it is required.
 * It throws strings, not Errors, for what it refuses.
 */
import { createRequire } from 'node:module';
import type { BrotliWasmType } from 'brotli-wasm';

export const brotliWasm = createRequire(import.meta.url)('brotli-wasm') as BrotliWasmType;
