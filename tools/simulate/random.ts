/**
 * Reproducible random numbers: the same parts give the same sequence on every machine. For pictures of traffic only, never for
 * keys or tokens.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param parts whole numbers up to 2^53-1 that name this sequence, such as a seed, a block number and an index */
  constructor(...parts: readonly number[]) {
    let hash = 0x9e3779b9;
    const mix = (word: number): number => {
      hash = Math.imul(hash ^ word, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
      return (hash ^= hash >>> 16);
    };
    for (const part of parts) {
      mix(part >>> 0);
      mix(Math.floor(part / 2 ** 32));
    }
    this.#a = mix(1);
    this.#b = mix(2);
    this.#c = mix(3);
    // Neighbouring seeds differ in a few bits of state; a dozen steps spread them over all of it.
    for (let step = 0; step < 12; step++) this.word();
  }

  /** A whole number from 0 to 2^32-1 (the sfc32 generator). */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** True in a share of `rate` (0 to 1) of the calls. */
  chance(rate: number): boolean {
    return this.fraction() < rate;
  }

  /** `bytes` random bytes as hex digits without a prefix. */
  hex(bytes: number): string {
    let digits = '';
    for (let left = bytes; left > 0; left -= 4) {
      const word = this.word().toString(16).padStart(8, '0');
      digits += left >= 4 ? word : word.slice(0, left * 2);
    }
    return digits;
  }

  /** One of the list; the first are by far the likeliest, as tokens and pools of a chain are. */
  popular<T>(list: readonly T[]): T {
    const item = list[Math.floor(list.length * this.fraction() ** 3)];
    if (item === undefined) throw new RangeError('nothing to choose from in an empty list');
    return item;
  }
}
