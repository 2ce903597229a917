import { continued, cumulativePart, type MetricsSnapshot } from '../../shared/metrics/aggregate.ts';

/**
 * What the workers in one place have counted, one after the other: a scrape must not see a counter go back because a worker was
 * replaced. What a worker that was killed has counted since it was last asked is lost.
 */
export class WorkerMetrics {
  #before: MetricsSnapshot = [];
  #last: MetricsSnapshot | undefined;
  #answer: Promise<void> | undefined;
  #answered: () => void = () => undefined;

  /**
   * Asks the worker, unless it owes an answer already: one that stands still is not asked again and again.
   *
   * @returns resolves when it has answered or is gone
   */
  ask(measure: () => void): Promise<void> {
    if (this.#answer === undefined) {
      this.#answer = new Promise((resolve) => (this.#answered = resolve));
      measure();
    }
    return this.#answer;
  }

  /** The worker's answer, be it late. */
  told(metrics: MetricsSnapshot): void {
    this.#last = metrics;
    this.#settle();
  }

  /** The worker is gone. */
  ended(): void {
    if (this.#last !== undefined) this.#before = cumulativePart(continued(this.#before, this.#last));
    this.#last = undefined;
    this.#settle();
  }

  /** As far as it is known. */
  snapshot(): MetricsSnapshot {
    return this.#last === undefined ? this.#before : continued(this.#before, this.#last);
  }

  #settle(): void {
    this.#answer = undefined;
    this.#answered();
  }
}
