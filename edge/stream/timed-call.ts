/**
 * A call to the backplane that is given up when its answer takes too long, one at a time. An answer that comes after that
 * is ignored.
 */
export class TimedCall<Answer> {
  readonly #limitMs: number;
  #id = 0;
  #startedAt: number | undefined;
  #failed: ((error: unknown) => void) | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get underWay(): boolean {
    return this.#startedAt !== undefined;
  }

  /** @param failed gets what the call was rejected with, or `undefined` when its time was up */
  start(
    now: number,
    call: () => Promise<Answer>,
    answered: (answer: Answer) => void,
    failed: (error: unknown) => void,
  ) {
    this.cancel();
    const id = this.#id;
    this.#startedAt = now;
    this.#failed = failed;
    void call().then(
      (answer) => {
        if (this.#end(id)) answered(answer);
      },
      (error: unknown) => {
        if (this.#end(id)) failed(error);
      },
    );
  }

  /** Gives the call up when its time is up. */
  tick(now: number): void {
    if (this.#startedAt === undefined || now - this.#startedAt < this.#limitMs) return;
    const failed = this.#failed;
    this.cancel();
    failed?.(undefined);
  }

  /** The time that counts begins anew. */
  restartTime(now: number): void {
    if (this.#startedAt !== undefined) this.#startedAt = now;
  }

  /** Neither of the callbacks is called any more. */
  cancel(): void {
    this.#end(this.#id);
  }

  #end(id: number): boolean {
    if (id !== this.#id) return false;
    this.#id += 1;
    this.#startedAt = undefined;
    this.#failed = undefined;
    return true;
  }
}
