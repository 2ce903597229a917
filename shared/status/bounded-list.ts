/** The last `limit` of what was added, the oldest first. */
export class BoundedList<Item> {
  readonly #limit: number;
  #items: Item[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(item: Item): void {
    this.#items.push(item);
    // Cut now and then: moving the rest by one with every addition would cost more than it frees.
    if (this.#items.length >= 2 * this.#limit) this.#items = this.#items.slice(-this.#limit);
  }

  /** Puts one in the place of another that is still kept. */
  replace(old: Item, item: Item): void {
    const place = this.#items.lastIndexOf(old);
    if (place >= 0) this.#items[place] = item;
  }

  /** A copy. */
  toArray(): Item[] {
    return this.#items.slice(-this.#limit);
  }
}
