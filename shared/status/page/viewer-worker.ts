/**
 * Connects to the stream as a client does, and decodes what comes. A worker of its own, as it alone may run WebAssembly and
 * reach another port (see the headers that it is served with), and as a burst must not hold the page up.
 */
import type { ViewedMessage, ViewerEvent, ViewerRequest } from './viewer-messages.ts';

interface DecompressStream {
  decompress(
    input: Uint8Array,
    outputSize: number,
  ): { readonly buf: Uint8Array; readonly code: number; readonly input_offset: number };
  free(): void;
}
interface Brotli {
  readonly DecompressStream: new () => DecompressStream;
  readonly BrotliStreamResultCode: { readonly ResultSuccess: number; readonly NeedsMoreOutput: number };
}

/** Four times the default of MAX_MESSAGE_BYTES. */
const MAX_PLAIN_BYTES = 16_777_216;
const CHUNK_BYTES = 262_144;
const OPENING_BRACE = 0x7b;

function tell(event: ViewerEvent): void {
  self.postMessage(event);
}

async function loadBrotli(): Promise<Brotli> {
  const address = new URL('brotli/index.web.js', import.meta.url).href;
  const module = (await import(address)) as { readonly default: Promise<Brotli> };
  return module.default;
}

/** @throws what brotli-wasm throws for bytes that are no brotli, and an Error for a whole that is cut short or too large */
function inflate(brotli: Brotli, packed: Uint8Array): Uint8Array {
  const { ResultSuccess, NeedsMoreOutput } = brotli.BrotliStreamResultCode;
  const stream = new brotli.DecompressStream();
  const parts: Uint8Array[] = [];
  let length = 0;
  let rest = packed;
  try {
    for (;;) {
      const { buf, code, input_offset: used } = stream.decompress(rest, CHUNK_BYTES);
      parts.push(buf);
      length += buf.length;
      rest = rest.subarray(used);
      if (code === ResultSuccess) return joined(parts, length);
      if (code !== NeedsMoreOutput || length > MAX_PLAIN_BYTES) throw new Error('cut short or too large');
    }
  } finally {
    stream.free();
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function flashblockOf(plain: Uint8Array): ViewedMessage['flashblock'] {
  const message = JSON.parse(new TextDecoder().decode(plain)) as {
    readonly payload_id?: unknown;
    readonly index?: unknown;
    readonly metadata?: { readonly block_number?: unknown };
    readonly diff?: { readonly transactions?: unknown };
  };
  const { payload_id: payloadId, index } = message;
  const block = message.metadata?.block_number;
  if (typeof payloadId !== 'string' || !isWhole(index) || !isWhole(block)) return undefined;
  const transactions = message.diff?.transactions;
  return { block, index, payloadId, transactions: Array.isArray(transactions) ? transactions.length : 0 };
}

function read(brotli: Brotli, bytes: Uint8Array): ViewerEvent {
  const at = performance.now();
  try {
    const compressed = bytes[0] !== OPENING_BRACE;
    const plain = compressed ? inflate(brotli, bytes) : bytes;
    if (plain.length > MAX_PLAIN_BYTES) throw new Error('too large');
    const flashblock = flashblockOf(plain);
    const sizes = { wireBytes: bytes.length, plainBytes: plain.length, compressed };
    return { is: 'message', message: { at, ...sizes, ...(flashblock && { flashblock }) } };
  } catch {
    return { is: 'unreadable', wireBytes: bytes.length };
  }
}

async function connect({ url }: ViewerRequest): Promise<void> {
  const brotli = await loadBrotli();
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  let opened = false;
  socket.onopen = () => {
    opened = true;
    tell({ is: 'open' });
  };
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) =>
    tell(read(brotli, typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data)));
  socket.onclose = ({ code }) => tell({ is: 'closed', code, opened });
}

self.addEventListener('message', ({ data }: MessageEvent<ViewerRequest>) => {
  connect(data).catch(() => tell({ is: 'failed' }));
});
