/**
 * Server-sent events to the pages that are open. Every connection begins with a snapshot, also one that comes again: what it
 * missed meanwhile is in it.
 */
import type { ServerResponse } from 'node:http';
import type { FeedEvent, PageFeed } from './status-feed.ts';

/** Pages at once: more than are on call, and what they cost together stays below one core's percent. */
export const MAX_PAGES = 20;
/** Pages that begin within a second: all of them after a restart, and some that come new. Each costs a snapshot, 5 ms of CPU. */
export const MAX_BEGINNINGS = 30;
const SECOND_MS = 1000;
/** Bytes that wait for one page: some snapshots, which have 200 KB at most, or minutes of events. */
const MAX_WAITING_BYTES = 1_048_576;
/** A page that takes nothing for so long does not read: its place is somebody else's. */
export const UNREAD_MS = 30_000;
/** What a page waits before it connects again. */
const RETRY_MS = 1000;

interface Reader {
  /** Bytes that waited for it after the last write. */
  waiting: number;
  /** When it last took some, or had none to take; monotonic milliseconds. */
  tookAt: number;
}

export class EventStreams {
  readonly #feed: PageFeed;
  readonly #now: () => number;
  readonly #open = new Map<ServerResponse, Reader>();
  /** When the latest pages began, the first of them first; at most {@link MAX_BEGINNINGS}. */
  readonly #begun: number[] = [];
  #ends: (() => void) | undefined;

  /** @param now monotonic milliseconds */
  constructor(feed: PageFeed, now: () => number = () => performance.now()) {
    this.#feed = feed;
    this.#now = now;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether another page would be one too many: of all, or within a second. */
  get full(): boolean {
    const [first = -Infinity] = this.#begun;
    const tooFast = this.#begun.length >= MAX_BEGINNINGS && this.#now() - first < SECOND_MS;
    return tooFast || this.#open.size >= MAX_PAGES;
  }

  /** Tells a page from now on what happens, until it goes or is too slow. Its head is written; one too many is cut. */
  add(response: ServerResponse): void {
    if (this.full || response.destroyed) {
      response.destroy();
      return;
    }
    const reader = { waiting: 0, tookAt: this.#now() };
    this.#begun.push(reader.tookAt);
    if (this.#begun.length > MAX_BEGINNINGS) this.#begun.shift();
    this.#open.set(response, reader);
    this.#ends ??= this.#feed.listen((event) => this.#tell(event));
    response.on('close', () => this.#remove(response));
    response.on('error', () => undefined);
    write(response, reader, `retry: ${String(RETRY_MS)}\n${eventText('snapshot', this.#feed.snapshot())}`);
  }

  /** Ends all. Idempotent. */
  stop(): void {
    for (const response of this.#open.keys()) response.destroy();
    this.#open.clear();
    this.#ends?.();
    this.#ends = undefined;
  }

  #tell({ name, data }: FeedEvent): void {
    const text = eventText(name, data);
    const now = this.#now();
    for (const [response, reader] of this.#open) {
      const waiting = response.writableLength;
      if (waiting === 0 || waiting < reader.waiting) reader.tookAt = now;
      if (waiting > MAX_WAITING_BYTES || now - reader.tookAt > UNREAD_MS) response.destroy();
      else write(response, reader, text);
    }
  }

  #remove(response: ServerResponse): void {
    this.#open.delete(response);
    if (this.#open.size > 0) return;
    this.#ends?.();
    this.#ends = undefined;
  }
}

function write(response: ServerResponse, reader: Reader, text: string): void {
  response.write(text);
  reader.waiting = response.writableLength;
}

/** JSON has no raw line breaks, so that one line holds it. */
function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
