/**
 * `flashcast/client` for browsers and every other place that has the standard's `WebSocket`. Nothing here depends on Node.
 */
import { browserTransport, type StandardWebSocketClass } from './browser-transport.ts';
import { StreamClient, type FlashcastClient } from './client.ts';
import { readBounds, type ClientOptions } from './options.ts';
import { SYSTEM_CLOCK, type Inflate } from './transport.ts';

export type { ClientStats, FlashcastClient } from './client.ts';
export { ClientError, type ClientEvent, type ResumeOutcome } from './event.ts';
export type * from './message.ts';
export type { ClientOptions } from './options.ts';

export interface BrowserClientOptions extends ClientOptions {
  /**
   * Inflates brotli (brotli-wasm's `decompress`, say). It may throw. One that throws as soon as there are more than `maxBytes`
   * also withstands a server that means harm: a result that is too large is passed over, but its memory was taken by then.
   * Without it the client asks for plain JSON.
   */
  readonly inflate?: (bytes: Uint8Array, maxBytes: number) => Uint8Array;
  /** Default: the global `WebSocket`. */
  readonly WebSocket?: StandardWebSocketClass;
}

function bounded(inflate: (bytes: Uint8Array, maxBytes: number) => Uint8Array): Inflate {
  return (bytes, maxBytes) => {
    try {
      const plain = inflate(bytes, maxBytes);
      return plain.length <= maxBytes ? plain : undefined;
    } catch {
      return undefined;
    }
  };
}

/**
 * Connects to a stream and follows it until it is closed.
 *
 * @throws TypeError for a URL that is none of a stream, RangeError for a number out of range
 */
export function connect(url: string | URL, options: BrowserClientOptions = {}): FlashcastClient {
  const { inflate, WebSocket = (globalThis as { WebSocket?: StandardWebSocketClass }).WebSocket, ...rest } = options;
  if (WebSocket === undefined) throw new TypeError('there is no global WebSocket; give one in the options');
  const { maxMessageBytes } = readBounds(rest);
  const { encoding = inflate === undefined ? 'identity' : undefined } = rest;
  return new StreamClient(
    url,
    { ...rest, ...(encoding !== undefined && { encoding }) },
    {
      open: browserTransport(WebSocket, maxMessageBytes),
      ...(inflate !== undefined && { inflate: bounded(inflate) }),
      clock: SYSTEM_CLOCK,
    },
  );
}
