/** What was received and not yet read. Bounded by whoever fills it: it tells when it is full, and when half of it was read. */
export class MessageBuffer<Item> {
  readonly #maxItems: number;
  readonly #maxBytes: number;
  readonly #onRoom: () => void;
  #items: { readonly item: Item; readonly bytes: number }[] = [];
  #bytes = 0;
  #full = false;
  /** Who waits, the first come first; as many as its readers' calls. */
  readonly #waiting: ((result: Item | undefined | Promise<never>) => void)[] = [];
  #end: { readonly error: Error | undefined } | undefined;

  /** @param onRoom called once after each time that it was full, when at most half of both bounds is left */
  constructor(maxItems: number, maxBytes: number, onRoom: () => void) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
    this.#onRoom = onRoom;
  }

  /** Whether a bound is reached; from then on until there is room. What is pushed all the same is kept. */
  get full(): boolean {
    return this.#full;
  }
  get size(): number {
    return this.#items.length;
  }

  push(item: Item, bytes: number): void {
    if (this.#end !== undefined) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader(item);
      return;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
    this.#full ||= this.#items.length >= this.#maxItems || this.#bytes >= this.#maxBytes;
  }

  /** No more comes: what is there is still read, then `take` gives `undefined`, or throws the error once. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const reader of this.#waiting.splice(0)) reader(this.#ended());
  }

  /** Ends it and forgets what nobody read, an error included. */
  discard(): void {
    this.#items = [];
    this.#bytes = 0;
    this.end();
    this.#end = { error: undefined };
  }

  /** The next item, when there is one; `undefined` at the end. Of several calls that wait, the first is answered first. */
  async take(): Promise<Item | undefined> {
    const first = this.#items.shift();
    if (first === undefined) {
      if (this.#end !== undefined) return this.#ended();
      return new Promise((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#bytes -= first.bytes;
    if (this.#full && this.#items.length * 2 <= this.#maxItems && this.#bytes * 2 <= this.#maxBytes) {
      this.#full = false;
      this.#onRoom();
    }
    return first.item;
  }

  #ended(): undefined | Promise<never> {
    const error = this.#end?.error;
    this.#end = { error: undefined };
    return error === undefined ? undefined : Promise.reject(error);
  }
}
