import { readFlashblockHead } from '../../shared/flashblock.ts';
import { SequenceChecker } from '../../shared/sequence-checker.ts';
import { readPlain } from '../read-plain.ts';
import { readStamp } from '../stamp.ts';
import type { Spread } from './message-log.ts';
import { Times } from './times.ts';

/** Messages whose parts are waited for; threads are never this far apart. */
const MAX_JOINED = 512;

/** A stamp that is further back was not made by this machine's clock. */
const MAX_LATENCY_MS = 60_000;

type Parts = (readonly [thread: number, spread: Spread])[];

/** When the first and the last message that a thread told began. */
interface Range {
  from: number;
  to: number;
}

/** What the threads tell of single messages, put together. */
export class Spreads {
  /** First client's first byte to each client's last byte. */
  readonly spread = new Times();
  /** The builder's send to each client's last byte. */
  readonly latency = new Times();
  /** To the last client's last byte: since the first byte, and since the builder's send. */
  readonly lastSpread = new Times();
  readonly lastLatency = new Times();
  /** The builder's send to the first client's first byte. */
  readonly firstByte = new Times();
  readonly #clients: readonly number[];
  readonly #checker: SequenceChecker | undefined;
  readonly #parts = new Map<number, Parts>();
  readonly #ranges: readonly Range[];
  readonly #unread = new Map<number, Buffer>();
  readonly #sentAt = new Map<number, number>();
  #messages = 0;
  #read = 0;
  #broken = 0;
  #absent = 0;

  /**
   * @param clients of each thread
   * @param whole whether the stream has no holes by nature: a filtered one has
   */
  constructor(clients: readonly number[], whole: boolean) {
    this.#clients = clients;
    this.#ranges = clients.map(() => ({ from: Infinity, to: -Infinity }));
    this.#checker = whole ? new SequenceChecker() : undefined;
  }

  /** Messages that all threads had. */
  get messages(): number {
    return this.#messages;
  }
  /** Messages that were read, position by position. */
  get read(): number {
    return this.#read;
  }
  /** Rules of base nodes that were broken among them. */
  get broken(): number {
    return this.#broken;
  }
  /** Messages that no client of a thread got, times its clients. Known once {@link finish} was called. */
  get absent(): number {
    return this.#absent;
  }

  /** A message as a client got it. It is looked at later, when the clients are not busy with it any more. */
  message(fingerprint: number, payload: Uint8Array): void {
    this.#unread.set(fingerprint, Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength));
    if (this.#unread.size > MAX_JOINED) this.#readUntil(fingerprint);
  }

  add(thread: number, spread: Spread): void {
    const { fingerprint, firstAt } = spread;
    const range = this.#ranges[thread];
    if (range !== undefined) {
      range.from = Math.min(range.from, firstAt);
      range.to = Math.max(range.to, firstAt);
    }
    const parts = this.#parts.get(fingerprint) ?? [];
    this.#parts.set(fingerprint, parts);
    parts.push([thread, spread]);
    if (parts.length === this.#clients.length) this.#join(fingerprint, parts);
    else if (this.#parts.size > MAX_JOINED) {
      const [oldest] = this.#parts;
      if (oldest !== undefined) this.#leave(...oldest);
    }
  }

  /** Counts what some threads had and others did not, and reads the rest. */
  finish(): void {
    for (const [fingerprint, parts] of this.#parts) this.#leave(fingerprint, parts);
    for (const fingerprint of [...this.#unread.keys()].slice(-1)) this.#readUntil(fingerprint);
  }

  /** Threads begin and end by messages of their own: one that a thread does not have is absent between others alone. */
  #leave(fingerprint: number, parts: Parts): void {
    this.#parts.delete(fingerprint);
    this.#sentAt.delete(fingerprint);
    const firstAt = Math.min(...parts.map(([, spread]) => spread.firstAt));
    for (const [thread, { from, to }] of this.#ranges.entries()) {
      const has = parts.some(([other]) => other === thread);
      if (!has && from < firstAt && firstAt < to) this.#absent += this.#clients[thread] ?? 0;
    }
  }

  #join(fingerprint: number, spreads: Parts): void {
    this.#readUntil(fingerprint);
    this.#parts.delete(fingerprint);
    this.#messages++;
    const firstAt = Math.min(...spreads.map(([, { firstAt }]) => firstAt));
    const sinceSentMs = firstAt - (this.#sentAt.get(fingerprint) ?? NaN);
    this.#sentAt.delete(fingerprint);
    const sinceSentUs = sinceSentMs >= 0 && sinceSentMs < MAX_LATENCY_MS ? 1000 * sinceSentMs : undefined;
    let last = 0;
    for (const [, { firstAt: threadFirstAt, offsets }] of spreads) {
      const lead = 1000 * (threadFirstAt - firstAt);
      for (const offset of offsets) {
        const us = lead + offset;
        this.spread.record(us);
        if (sinceSentUs !== undefined) this.latency.record(sinceSentUs + us);
        if (us > last) last = us;
      }
    }
    this.lastSpread.record(last);
    if (sinceSentUs === undefined) return;
    this.firstByte.record(sinceSentUs);
    this.lastLatency.record(sinceSentUs + last);
  }

  /** Reads what came before a message, and that. */
  #readUntil(fingerprint: number): void {
    if (!this.#unread.has(fingerprint)) return;
    for (const [next, payload] of this.#unread) {
      this.#unread.delete(next);
      this.#readOne(next, payload);
      if (next === fingerprint) return;
    }
  }

  #readOne(fingerprint: number, payload: Buffer): void {
    const plain = readPlain(payload);
    if (plain === undefined) return;
    const sentAt = readStamp(plain);
    if (sentAt !== undefined && this.#parts.has(fingerprint)) this.#sentAt.set(fingerprint, sentAt);
    const head = readFlashblockHead(plain);
    if (head === undefined) return;
    this.#read++;
    if (this.#checker?.check(head).verdict === 'violation') this.#broken++;
  }
}
