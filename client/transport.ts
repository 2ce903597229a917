/** What the client needs of a WebSocket and of time; browsers and Node each bring theirs. */
import type { Frame, Position } from './message.ts';
import type { ResumeOutcome } from './event.ts';

/** How a connection ended. Reasons are fit for people and hold neither the URL nor control characters. */
export type ConnectionEnd =
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      /** `Retry-After`, in milliseconds. */
      readonly retryAfterMs?: number;
    }
  /** Never opened, or broken. `final` where another try would end the same way. */
  | { readonly kind: 'failed'; readonly reason: string; readonly final?: boolean };

/** What the answer to the handshake told. */
export interface Opening {
  readonly resume?: ResumeOutcome;
  readonly from?: Position;
}

export interface TransportListener {
  opened(opening: Opening): void;
  frame(frame: Frame): void;
  /** Something else came: a ping or a pong. */
  heard(): void;
  /** Told once; nothing comes after it. */
  ended(end: ConnectionEnd): void;
}

/** One WebSocket connection, from its dial on. */
export interface Transport {
  /** Stops reading; absent where a WebSocket cannot. */
  readonly pause?: () => void;
  readonly resume?: () => void;
  /** Asks the server for a sign of life; absent where a WebSocket cannot. */
  readonly ping?: () => void;
  /** Closes with 1000; ends also where the server does not answer. */
  close(): void;
}

export type OpenTransport = (url: string, listener: TransportListener) => Transport;

export interface ClientClock {
  unixMs(): number;
  /** Goes on evenly whatever is done to the machine's date. */
  monotonicMs(): number;
  /** Calls once, after so many milliseconds. @returns cancels it */
  after(ms: number, callback: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Inflates one brotli stream. @returns `undefined` where it is none, or larger than the bound */
export type Inflate = (bytes: Uint8Array, maxBytes: number) => Uint8Array | undefined;

/** What the client is run on. */
export interface Platform {
  readonly open: OpenTransport;
  readonly inflate?: Inflate;
  readonly clock: ClientClock;
}

/** How long a server may take to answer a Close, before the socket is given up. */
export const CLOSE_TIMEOUT_MS = 500;

export const SYSTEM_CLOCK: ClientClock = {
  unixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
