/**
 * Which of many filters a message matches, at a cost that hardly depends on how many there are: one look at the message, in
 * which each of its terms is looked up once (filters: "Cost"). Clients that want the same share one entry.
 *
 * It is no list of clients: the fan-out goes over its clients in its own order and asks the result for each.
 */
import { ADDRESS_BYTES, type Filter, TOPIC_BYTES } from './filter.ts';
import { PostingLists } from './posting-lists.ts';
import { PrefixSet } from './prefix-set.ts';
import type { ScanForm } from './scan-form.ts';

/** A filter's entry, shared by the clients that have it. */
export interface FilterEntry {
  readonly filter: Filter;
  /** Its bit; given again after its end. */
  readonly number: number;
  /** The index's version that it came with. */
  readonly since: number;
}

interface CountedEntry extends FilterEntry {
  users: number;
}

/** Which filters a message matched, as one bit per filter, so that it can be kept with the message. */
export class FilterMatches {
  readonly #bits: Uint32Array;
  readonly #version: number;

  constructor(bits: Uint32Array, version: number) {
    this.#bits = bits;
    this.#version = version;
  }

  /** Bytes of the bits. */
  get bytes(): number {
    return this.#bits.byteLength;
  }

  /** @returns `undefined` when the filter came after the message was evaluated: it is to be evaluated again */
  has({ number, since }: FilterEntry): boolean | undefined {
    if (since > this.#version) return undefined;
    return ((this.#bits[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  }
}

const NO_BITS = new Uint32Array(0);

/**
 * Grows with the filters in it, at most one of MAX_FILTER_TERMS terms per client, and keeps its tables' size until the last is gone.
 */
export class FilterIndex {
  readonly #entries = new Map<string, CountedEntry>();
  readonly #free: number[] = [];
  #addresses = new PostingLists(ADDRESS_BYTES);
  #topics = new PostingLists(TOPIC_BYTES);
  #prefixes = new PrefixSet(0);
  #limit = 0;
  #version = 0;
  /** Filters that both groups must match, as bits. */
  #both = NO_BITS;
  /** Filters that an address of the message is in, and those that a topic is in; all 0 between two evaluations. */
  #byAddress = NO_BITS;
  #byTopic = NO_BITS;

  /** Different filters. */
  get size(): number {
    return this.#entries.size;
  }

  /** Different addresses and topics. */
  get terms(): number {
    return this.#addresses.terms.size + this.#topics.terms.size;
  }

  /** Adds a client's filter; {@link remove} is to be called once for each call. */
  add(filter: Filter): FilterEntry {
    const known = this.#entries.get(filter.key);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    this.#version += 1;
    const number = this.#free.pop() ?? this.#nextNumber();
    const entry = { filter, number, since: this.#version, users: 1 };
    this.#entries.set(filter.key, entry);
    const bit = 1 << (number & 31);
    const others = (this.#both[number >>> 5] ?? 0) & ~bit;
    this.#both[number >>> 5] = filter.mode === 'all' ? others | bit : others;
    this.#addresses.add(filter.addresses, number, (at) => this.#prefixes.add(filter.addresses, at));
    this.#topics.add(filter.topics, number);
    if (this.#prefixes.full) this.#collectPrefixes();
    return entry;
  }

  /** A client that had the filter is gone. */
  remove({ filter }: FilterEntry): void {
    const entry = this.#entries.get(filter.key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(filter.key);
    this.#free.push(entry.number);
    this.#addresses.remove(filter.addresses, entry.number);
    this.#topics.remove(filter.topics, entry.number);
    if (this.#entries.size === 0) this.#shrink();
  }

  /** Looks at a message for all filters at once. */
  match(form: ScanForm): FilterMatches {
    const hits = this.#markAddresses(form) + markTerms(this.#topics, form.topics, TOPIC_BYTES, this.#byTopic);
    if (hits === 0) return new FilterMatches(NO_BITS, this.#version);
    const bits = new Uint32Array(this.#byAddress.length);
    for (const index of bits.keys()) {
      const address = this.#byAddress[index] ?? 0;
      const topic = this.#byTopic[index] ?? 0;
      const both = this.#both[index] ?? 0;
      bits[index] = (address & topic) | ((address | topic) & ~both);
    }
    this.#byAddress.fill(0);
    this.#byTopic.fill(0);
    return new FilterMatches(bits, this.#version);
  }

  /** @returns how many terms were found */
  #markAddresses(form: ScanForm): number {
    const { terms } = this.#addresses;
    if (terms.size === 0) return 0;
    const found = new Set<number>();
    this.#prefixes.scan(form, (at) => {
      const id = terms.find(form.transactions, at);
      if (id >= 0) found.add(id);
    });
    for (const id of found) this.#addresses.mark(id, this.#byAddress);
    return found.size + markTerms(this.#addresses, form.addresses, ADDRESS_BYTES, this.#byAddress);
  }

  #nextNumber(): number {
    const number = this.#limit;
    this.#limit += 1;
    if (number >= 32 * this.#both.length) {
      const words = Math.max(2 * this.#both.length, 1);
      const both = new Uint32Array(words);
      both.set(this.#both);
      this.#both = both;
      this.#byAddress = new Uint32Array(words);
      this.#byTopic = new Uint32Array(words);
    }
    return number;
  }

  /** Collects the prefixes of the addresses that are there now, with room for as many again. */
  #collectPrefixes(): void {
    this.#prefixes = new PrefixSet(2 * this.#addresses.terms.size);
    this.#addresses.terms.forEach((bytes, at) => this.#prefixes.add(bytes, at));
  }

  /** Nobody filters: lets go of the memory that filters took. */
  #shrink(): void {
    this.#addresses = new PostingLists(ADDRESS_BYTES);
    this.#topics = new PostingLists(TOPIC_BYTES);
    this.#free.length = 0;
    this.#limit = 0;
    this.#both = this.#byAddress = this.#byTopic = NO_BITS;
    this.#collectPrefixes();
  }
}

/** Marks the filters of those terms that are in the index. @returns how many are */
function markTerms(lists: PostingLists, terms: Uint8Array, width: number, bits: Uint32Array): number {
  if (lists.terms.size === 0) return 0;
  let hits = 0;
  for (let at = 0; at < terms.length; at += width) {
    const id = lists.terms.find(terms, at);
    if (id < 0) continue;
    hits += 1;
    lists.mark(id, bits);
  }
  return hits;
}
