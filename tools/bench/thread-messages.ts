/** What the main thread and the threads of clients tell each other. */
import type { Spread } from './message-log.ts';

/** `workerData` of a thread. */
export interface HerdOptions {
  readonly host: string;
  readonly port: number;
  /** The upgrade request; it may hold a key. */
  readonly request: string;
  /** Numbers of the clients, over all threads: they decide about source addresses. */
  readonly first: number;
  readonly clients: number;
  /** Connections begun per second; 0 for as fast as they are answered. */
  readonly ramp: number;
  /** Milliseconds between two pings of a client; 0 for none. */
  readonly pingMs: number;
  /** Addresses of 127.1.0.0/16 that the clients come from; 0: the system decides. */
  readonly sources: number;
  /** Whether the messages of the first client are told as they are. */
  readonly reads: boolean;
}

export type ToHerd =
  /** Messages that are new from now on count; no more than `count`, where it is there. */
  | { readonly kind: 'measure'; readonly count: number | undefined }
  /** What is new from now on does not count; the rest is waited for. */
  | { readonly kind: 'finish' }
  /** Clients leave; the thread ends. */
  | { readonly kind: 'leave' };

/** Sums since the thread began. */
export interface HerdCounts {
  readonly open: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly disconnected: Readonly<Record<string, number>>;
  /** Of the time that is measured, as all below. */
  readonly deliveries: number;
  readonly bytes: number;
  readonly messages: number;
  readonly lost: number;
  readonly repeated: number;
  readonly pings: number;
  readonly pongs: number;
  /** Pings that had no answer when the next was due. */
  readonly latePongs: number;
}

export type FromHerd =
  /** All connections are answered; when the first began and the last was answered, in monotonic milliseconds. */
  | { readonly kind: 'connected'; readonly from: number; readonly to: number }
  | {
      readonly kind: 'progress';
      readonly counts: HerdCounts;
      /** Microseconds from the beginning of a connection to the 101; since the last report, as the next. */
      readonly connects: readonly number[];
      /** Microseconds from a ping to its pong. */
      readonly pongs: readonly number[];
      /** Share of the time since the last report in which the thread was busy. */
      readonly busy: number;
    }
  | { readonly kind: 'spread'; readonly spread: Spread }
  /** A message as it came to the client that is read. */
  | { readonly kind: 'message'; readonly fingerprint: number; readonly payload: Uint8Array }
  /** Everything is told. */
  | { readonly kind: 'finished' };
