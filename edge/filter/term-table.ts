import { randomInt } from 'node:crypto';
import { SPREAD, wordAt } from './word.ts';

/** Slots of an empty table; a power of two. */
const MIN_SLOTS = 16;

/**
 * Numbers terms of one length: an open-addressing hash table over one array of bytes, as a map of strings would need a string
 * per lookup and some 100 bytes per term. Numbers of removed terms are given again.
 */
export class TermTable {
  readonly #width: number;
  /** So that nobody can choose terms that fall on one slot. */
  readonly #seed = randomInt(2 ** 32);
  /** Term `id` stands at `id * width`. */
  #bytes: Uint8Array;
  /** Hash of term `id`: a table of a million terms that grows would stop the loop for long if it looked at each again. */
  #hashes = new Int32Array(MIN_SLOTS / 2);
  /** `id + 1`; 0 is free. At most half of them are taken. */
  #slots = new Int32Array(MIN_SLOTS);
  readonly #free: number[] = [];
  #limit = 0;

  /** @param width bytes of a term, a multiple of 4 */
  constructor(width: number) {
    this.#width = width;
    this.#bytes = new Uint8Array((MIN_SLOTS / 2) * width);
  }

  /** Terms in the table. */
  get size(): number {
    return this.#limit - this.#free.length;
  }

  /**
   * Goes over all terms, in the order of their numbers: in that of the slots each would be a cache miss.
   *
   * @param visit called with the bytes that a term stands in, and where in them it begins
   */
  forEach(visit: (bytes: Uint8Array, at: number) => void): void {
    this.#forEachId((id) => visit(this.#bytes, id * this.#width));
  }

  /** @returns the number of the term that stands at `at`, -1 when it is not in the table */
  find(bytes: Uint8Array, at: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(bytes, at) & mask;
    for (;;) {
      const id = (slots[slot] ?? 0) - 1;
      if (id < 0 || this.#equals(id, bytes, at)) return id;
      slot = (slot + 1) & mask;
    }
  }

  /** @returns the term's number, a new one where it was not in the table */
  add(bytes: Uint8Array, at: number): number {
    const known = this.find(bytes, at);
    if (known >= 0) return known;
    if (2 * (this.size + 1) > this.#slots.length) this.#grow();
    const id = this.#free.pop() ?? this.#limit++;
    this.#bytes.set(bytes.subarray(at, at + this.#width), id * this.#width);
    this.#hashes[id] = this.#hash(bytes, at);
    this.#place(id);
    return id;
  }

  /** @param id a term's number */
  remove(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#home(id);
    while (slots[hole] !== id + 1) hole = (hole + 1) & mask;
    // What was pushed past the hole moves up, so that no search ends before it.
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const pushed = (slot - this.#home((slots[slot] ?? 0) - 1)) & mask;
      if (pushed < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot] ?? 0;
      hole = slot;
    }
    slots[hole] = 0;
    this.#free.push(id);
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    const bytes = new Uint8Array(2 * this.#bytes.length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    const hashes = new Int32Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#forEachId((id) => this.#place(id));
  }

  #forEachId(visit: (id: number) => void): void {
    const removed = new Uint8Array(this.#limit);
    for (const id of this.#free) removed[id] = 1;
    for (let id = 0; id < this.#limit; id += 1) if (removed[id] === 0) visit(id);
  }

  #place(id: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#home(id);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = id + 1;
  }

  #home(id: number): number {
    return (this.#hashes[id] ?? 0) & (this.#slots.length - 1);
  }

  #hash(bytes: Uint8Array, at: number): number {
    let hash = this.#seed;
    for (let from = at; from < at + this.#width; from += 4) {
      // The shift brings what was moved up back to where the mask looks.
      hash = Math.imul(hash ^ wordAt(bytes, from), SPREAD);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** From the end: what is compared often begins alike. */
  #equals(id: number, bytes: Uint8Array, at: number): boolean {
    const from = id * this.#width;
    for (let byte = this.#width - 1; byte >= 0; byte -= 1) {
      if (this.#bytes[from + byte] !== bytes[at + byte]) return false;
    }
    return true;
  }
}
