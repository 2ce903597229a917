/** How late the event loop is: the `nodejs_eventloop_lag_*` of a process, by the names and shapes that dashboards for Node know. */
import { createHistogram, performance } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import { BEAT_MS, every } from '../every.ts';
import { readAtScrape } from './at-scrape.ts';

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
/** A histogram of Node's takes whole numbers from 1 on. */
const LEAST_NS = 1;

/**
 * Looks at the loop with the timer that turns anyway. prom-client's own look has a timer for itself, whose period is contained in what
 * it tells.
 */
export class LoopLag {
  readonly #histogram = createHistogram();
  readonly #now: () => number;
  #newestNs = 0;
  #lookedAt = 0;
  #end: (() => void) | undefined;

  /** @param now monotonic milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  start(): void {
    if (this.#end !== undefined) return;
    this.#lookedAt = this.#now();
    this.#end = every(BEAT_MS, () => this.look());
  }

  /** Idempotent. */
  stop(): void {
    this.#end?.();
    this.#end = undefined;
  }

  /** The timer calls it. */
  look(): void {
    const now = this.#now();
    this.#newestNs = Math.max(Math.round((now - this.#lookedAt - BEAT_MS) * NS_PER_MS), LEAST_NS);
    this.#histogram.record(this.#newestNs);
    this.#lookedAt = now;
  }

  /** Puts its gauges in the place of prom-client's. A scrape begins anew; what it tells of is the time since the one before. */
  register(registry: Registry): void {
    const histogram = this.#histogram;
    const gauge = (name: string, help: string, aggregator: 'max' | 'min' = 'max'): Gauge => {
      registry.removeSingleMetric(name);
      return new Gauge({ name, help, aggregator, registers: [registry] });
    };
    const ofHistogram = [
      [gauge('nodejs_eventloop_lag_min_seconds', 'How late the event loop was at least', 'min'), () => histogram.min],
      [gauge('nodejs_eventloop_lag_max_seconds', 'How late the event loop was at most'), () => histogram.max],
      [gauge('nodejs_eventloop_lag_mean_seconds', 'How late the event loop was on average'), () => histogram.mean],
      [gauge('nodejs_eventloop_lag_stddev_seconds', 'Standard deviation of that'), () => histogram.stddev],
      ...[50, 90, 99].map((percentile) => {
        const name = `nodejs_eventloop_lag_p${percentile}_seconds`;
        const help = `How late the event loop was in ${percentile} % of looks at most, ${1000 / BEAT_MS} a second`;
        return [gauge(name, help), () => histogram.percentile(percentile)] as const;
      }),
    ] as const;
    const newest = gauge('nodejs_eventloop_lag_seconds', 'How late the event loop was at the last look');
    readAtScrape(newest, () => this.#newestNs / NS_PER_S);
    const collect = (): void => {
      // Between two scrapes that come at once nothing is looked at: the values stay.
      if (histogram.count === 0) return;
      for (const [one, readNs] of ofHistogram) one.set(readNs() / NS_PER_S);
      histogram.reset();
    };
    // The first of them that a scrape comes to reads all, as the histogram is emptied by it.
    Object.assign(ofHistogram[0][0], { collect });
  }
}
