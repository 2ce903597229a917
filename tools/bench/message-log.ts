/**
 * What a herd of clients received: every message under a number, given in the order in which the herd saw it first. All clients
 * are sent the same stream, so that each must see number after number: anything else is a gap or a repeat.
 */

/** How one message spread over the clients of a herd. */
export interface Spread {
  readonly fingerprint: number;
  /** Bytes of its payload. */
  readonly bytes: number;
  /** When the first client's first byte came, in monotonic milliseconds. */
  readonly firstAt: number;
  /** Microseconds from then to the last byte, for each client that got it. */
  readonly offsets: Uint32Array;
}

/**
 * `next`: the client's first message, or the one after its last. `ahead`: messages before it are missing. `again`: it had it
 * already, or a later one.
 */
export type Reception = 'next' | 'ahead' | 'again';

interface Entry {
  readonly number: number;
  readonly fingerprint: number;
  readonly bytes: number;
  readonly firstAt: number;
  readonly offsets: Uint32Array;
  received: number;
}

/** Messages that are waited for; a client this far behind is past what servers keep. */
const MAX_OPEN = 256;
/** Messages that are recognised when they come again. */
const MAX_KNOWN = 1024;
const NEVER = -1;

export class MessageLog {
  readonly #clients: number;
  readonly #onSpread: (spread: Spread) => void;
  /** By client: the number of its latest message. */
  readonly #latest: Int32Array;
  readonly #open = new Map<number, Entry>();
  readonly #known = new Map<number, number>();
  #next = 0;
  #from = Infinity;
  #until = Infinity;
  #lost = 0;
  #repeated = 0;
  #deliveries = 0;
  #bytes = 0;

  /** @param onSpread told once for each message that counts: when all had it, or when it is not waited for any more */
  constructor(clients: number, onSpread: (spread: Spread) => void) {
    this.#clients = clients;
    this.#onSpread = onSpread;
    this.#latest = new Int32Array(clients).fill(NEVER);
  }

  /** Messages that count so far. */
  get counted(): number {
    return Math.max(0, Math.min(this.#next, this.#until) - this.#from);
  }
  /** First receptions of messages that count, over all clients. */
  get deliveries(): number {
    return this.#deliveries;
  }
  /** Payload bytes of messages that count, repeats included. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Messages that a client did not get although it got one after them. */
  get lost(): number {
    return this.#lost;
  }
  get repeated(): number {
    return this.#repeated;
  }

  /** Whether nothing that is new will count. */
  get ended(): boolean {
    return this.#next >= this.#until;
  }

  /** Messages that are new from now on count, and what is lost or repeated of them; no more than `count`. */
  begin(count = Infinity): void {
    this.#from = this.#next;
    this.#until = this.#from + count;
  }

  /** Newer messages than those that were seen until now do not count any more. */
  end(): void {
    this.#until = Math.min(this.#until, this.#next);
  }

  /** Whether a client has every message up to the last that counts. */
  complete(client: number): boolean {
    return this.#latestOf(client) >= this.#until - 1 || this.#until <= this.#from;
  }

  /**
   * A client got a message.
   *
   * @param startedAt when its first byte came
   * @param now when its last byte came
   */
  received(client: number, fingerprint: number, bytes: number, startedAt: number, now: number): Reception {
    const number = this.#known.get(fingerprint) ?? this.#add(fingerprint, bytes, startedAt);
    const latest = this.#latestOf(client);
    const counts = number >= this.#from && number < this.#until;
    if (counts) this.#bytes += bytes;
    if (latest !== NEVER && number <= latest) {
      if (counts) this.#repeated++;
      return 'again';
    }
    this.#latest[client] = number;
    const missed = latest === NEVER ? 0 : this.#countedBetween(latest + 1, number);
    this.#lost += missed;
    if (counts) this.#deliveries++;
    const entry = counts ? this.#open.get(number) : undefined;
    if (entry !== undefined) {
      entry.offsets[entry.received++] = Math.round(1000 * (now - entry.firstAt));
      if (entry.received === this.#clients) this.#finish(entry);
    }
    return missed > 0 ? 'ahead' : 'next';
  }

  /** Tells what is still open, and counts what `stayed` clients do not have yet as lost. */
  finish(stayed: Iterable<number>): void {
    this.end();
    for (const client of stayed) {
      const latest = this.#latestOf(client);
      this.#lost += this.#countedBetween(latest === NEVER ? this.#from : latest + 1, this.#until);
    }
    for (const entry of [...this.#open.values()]) this.#finish(entry);
  }

  #latestOf(client: number): number {
    return this.#latest[client] ?? NEVER;
  }

  /** Numbers that count, from the first to before the second. */
  #countedBetween(from: number, to: number): number {
    return Math.max(0, Math.min(to, this.#until) - Math.max(from, this.#from));
  }

  #add(fingerprint: number, bytes: number, firstAt: number): number {
    const number = this.#next++;
    this.#known.set(fingerprint, number);
    if (this.#known.size > MAX_KNOWN)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    if (number < this.#from || number >= this.#until) return number;
    this.#open.set(number, {
      number,
      fingerprint,
      bytes,
      firstAt,
      offsets: new Uint32Array(this.#clients),
      received: 0,
    });
    if (this.#open.size > MAX_OPEN)
      for (const oldest of this.#open.values()) {
        this.#finish(oldest);
        break;
      }
    return number;
  }

  #finish({ number, fingerprint, bytes, firstAt, offsets, received }: Entry): void {
    if (!this.#open.delete(number)) return;
    this.#onSpread({ fingerprint, bytes, firstAt, offsets: offsets.slice(0, received) });
  }
}
