/** A time after which something happens unless it is put off. */
export class Deadline {
  readonly #ms: number;
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** Begins at once. @param ms 0 for never */
  constructor(ms: number, onPassed: () => void) {
    this.#ms = ms;
    this.#onPassed = onPassed;
    this.restart();
  }

  restart(): void {
    this.cancel();
    if (this.#ms > 0) this.#timer = setTimeout(this.#onPassed, this.#ms);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
