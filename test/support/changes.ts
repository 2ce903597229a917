/** How long a test waits for what must come; far above anything healthy, below mocha's own limit. */
const PATIENCE_MS = 15_000;

/** Lets a test wait for a state that events bring about: whoever changes the state calls `notify`. */
export class Changes {
  readonly #waiting = new Set<() => void>();
  #soon = false;

  /** Once per turn of the loop is enough: thousands of frames may come in one. */
  notify(): void {
    if (this.#waiting.size === 0 || this.#soon) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      for (const look of [...this.#waiting]) look();
    });
  }

  /** Resolves as soon as the predicate holds; rejects with `what` when it does not come to that. */
  async until(predicate: () => boolean, what: string | (() => string), patienceMs = PATIENCE_MS): Promise<void> {
    if (predicate()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!predicate()) return;
        done();
        resolve();
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`did not come: ${typeof what === 'string' ? what : what()}`));
      }, patienceMs);
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
    });
  }
}
