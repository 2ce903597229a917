import type { Registry } from 'prom-client';
import { aggregate, exposition, type MetricsSnapshot, valueOf } from '../../shared/metrics/aggregate.ts';
import type { GroupClock } from './group.ts';
import type { Slot } from './slot.ts';

/** A scrape waits for the workers no longer than this; scrapers give up after some seconds. What a worker told last stands in for it. */
export const ANSWER_WITHIN_MS = 1000;

/** The order of `first`: the worker that is ahead in the stream tells what is newest. */
const PROGRESS = 'flashcast_stream_sequence';

/** The metrics of all workers and of their primary as one process' metrics. */
export class GroupMetrics {
  readonly #slots: readonly Slot[];
  readonly #registry: Registry;
  readonly #clock: Pick<GroupClock, 'after'>;
  #collecting: Promise<string> | undefined;

  /** @param registry the primary's own */
  constructor(slots: readonly Slot[], registry: Registry, clock: Pick<GroupClock, 'after'>) {
    this.#slots = slots;
    this.#registry = registry;
    this.#clock = clock;
  }

  /** Scrapes at the same time are one. */
  metrics(): Promise<string> {
    this.#collecting ??= this.#collect().finally(() => (this.#collecting = undefined));
    return this.#collecting;
  }

  async #collect(): Promise<string> {
    await this.#ask();
    const workers = this.#slots.map(({ metrics }) => metrics.snapshot()).sort(byProgress);
    return exposition(aggregate([...workers, await this.#registry.getMetricsAsJSON()]));
  }

  async #ask(): Promise<void> {
    const answers = this.#slots
      .filter(({ listening }) => listening)
      .map((slot) => slot.metrics.ask(() => slot.send({ kind: 'measure' })));
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => (cancel = this.#clock.after(ANSWER_WITHIN_MS, resolve)));
    await Promise.race([Promise.all(answers), late]);
    cancel();
  }
}

function byProgress(a: MetricsSnapshot, b: MetricsSnapshot): number {
  return (valueOf(b, PROGRESS) ?? 0) - (valueOf(a, PROGRESS) ?? 0);
}
