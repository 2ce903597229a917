/** `flashcast/client` for Node 20.19 and newer: `ws` with headers, and brotli by zlib. */
import { decompressBounded } from '../shared/codec/brotli.ts';
import { StreamClient, type FlashcastClient } from './client.ts';
import { nodeTransport } from './node-transport.ts';
import { readBounds, type ClientOptions } from './options.ts';
import { SYSTEM_CLOCK, type Inflate } from './transport.ts';

export type { ClientStats, FlashcastClient } from './client.ts';
export { ClientError, type ClientEvent, type ResumeOutcome } from './event.ts';
export type * from './message.ts';
export type { ClientOptions } from './options.ts';

export interface NodeClientOptions extends ClientOptions {
  /** Sent with every handshake: `{ authorization: 'Bearer KEY' }`, say. */
  readonly headers?: Readonly<Record<string, string>>;
}

const inflate: Inflate = (bytes, maxBytes) => {
  const result = decompressBounded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), maxBytes);
  return result.ok ? result.plain : undefined;
};

/**
 * Connects to a stream and follows it until it is closed.
 *
 * @throws TypeError for a URL that is none of a stream, RangeError for a number out of range
 */
export function connect(url: string | URL, options: NodeClientOptions = {}): FlashcastClient {
  const { headers = {}, ...rest } = options;
  const { maxMessageBytes } = readBounds(rest);
  return new StreamClient(url, rest, {
    open: nodeTransport({ headers, maxMessageBytes }),
    inflate,
    clock: SYSTEM_CLOCK,
  });
}
