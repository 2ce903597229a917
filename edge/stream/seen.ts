/** The last messages that an edge dealt with, by token and by content; each list ends at `maxMessages`. */
export class SeenMessages {
  readonly #maxMessages: number;
  readonly #tokens = new Set<string>();
  readonly #contents = new Set<string>();

  constructor(maxMessages: number) {
    this.#maxMessages = maxMessages;
  }

  /** Largest number of entries in either list. */
  get size(): number {
    return Math.max(this.#tokens.size, this.#contents.size);
  }

  add(token: string, contentHash: string): void {
    this.#remember(this.#tokens, token);
    this.#remember(this.#contents, contentHash);
  }

  hasToken(token: string): boolean {
    return this.#tokens.has(token);
  }

  hasContent(contentHash: string): boolean {
    return this.#contents.has(contentHash);
  }

  #remember(list: Set<string>, value: string): void {
    list.delete(value);
    list.add(value);
    if (list.size <= this.#maxMessages) return;
    for (const oldest of list) {
      list.delete(oldest);
      return;
    }
  }
}
