import { TermTable } from './term-table.ts';

/** Which filters, by their numbers, have which terms of one kind: the inverted index. */
export class PostingLists {
  readonly terms: TermTable;
  readonly #width: number;
  /** By the term's number. Most terms are in one filter only, which then stands there itself. */
  readonly #lists: (number | Set<number>)[] = [];

  /** @param width bytes of a term */
  constructor(width: number) {
    this.#width = width;
    this.terms = new TermTable(width);
  }

  /**
   * @param terms a filter's terms, each once, one behind the other
   * @param onNew called with the place of each that no other filter has
   */
  add(terms: Uint8Array, filter: number, onNew?: (at: number) => void): void {
    for (let at = 0; at < terms.length; at += this.#width) {
      const before = this.terms.size;
      const id = this.terms.add(terms, at);
      const list = this.#lists[id];
      if (this.terms.size > before || list === undefined) {
        this.#lists[id] = filter;
        onNew?.(at);
      } else if (typeof list === 'number') this.#lists[id] = new Set([list, filter]);
      else list.add(filter);
    }
  }

  /** @param terms as they were added */
  remove(terms: Uint8Array, filter: number): void {
    for (let at = 0; at < terms.length; at += this.#width) {
      const id = this.terms.find(terms, at);
      const list = this.#lists[id];
      if (typeof list === 'object' && list.delete(filter) && list.size > 0) continue;
      this.terms.remove(id);
    }
  }

  /** Sets the bit of each filter that has the term. */
  mark(id: number, bits: Uint32Array): void {
    const list = this.#lists[id];
    if (typeof list === 'number') setBit(bits, list);
    else if (list !== undefined) for (const filter of list) setBit(bits, filter);
  }
}

function setBit(bits: Uint32Array, index: number): void {
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31));
}
