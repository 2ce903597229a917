/** Reads the figures of one second from the metrics that the process keeps anyway, so that the hot path does nothing for the page. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { FigureName, LatencyName, LatencySource, Second, UpstreamSecond } from './contract.ts';
import { LATENCY_METRICS, METRIC_FIGURES, UPSTREAM_METRICS } from './figures.ts';
import { type MetricSource, type MetricValue, distributionOf, readMetric } from './metric-reader.ts';

/** Upstreams that are shown; more are fed, and only counted together. */
export const MAX_UPSTREAMS = 16;

const METRIC_NAMES = Object.keys(METRIC_FIGURES) as (keyof typeof METRIC_FIGURES)[];
const LATENCY_NAMES = Object.keys(LATENCY_METRICS) as LatencyName[];

/** What was read of an upstream, summed since its start. */
interface UpstreamTotals {
  readonly connected: number;
  readonly messages: number;
  readonly wins: number;
  readonly lagSeconds: number;
  readonly lagCount: number;
}

export interface Sample {
  readonly second: Second;
  readonly upstreams: readonly string[];
  /** Present where bounds became known. */
  readonly latencies?: readonly LatencySource[];
}

export class Sampler {
  /** The figures of every second, in order. */
  readonly figures: readonly FigureName[];
  readonly #metrics: MetricSource;
  readonly #ownFigures: () => readonly number[];
  readonly #metricFigures: readonly (keyof typeof METRIC_FIGURES)[];
  readonly #latencyNames: readonly LatencyName[];
  #latencies: readonly LatencySource[];
  /** Of counts: what they were when they were last read. */
  readonly #totals = new Map<string, number>();
  readonly #buckets = new Map<LatencyName, readonly number[]>();
  #upstreams = new Map<string, UpstreamTotals>();

  /** @param ownFigures the process' own in the order `cpu`, `loop`, `memory`; tests hand in fixed ones */
  constructor(metrics: MetricSource, ownFigures: () => readonly number[] = createOwnFigures()) {
    this.#metrics = metrics;
    this.#ownFigures = ownFigures;
    const has = (name: string) => metrics.getSingleMetric(name) !== undefined;
    this.#metricFigures = METRIC_NAMES.filter((name) => has(METRIC_FIGURES[name].metric));
    this.#latencyNames = LATENCY_NAMES.filter((name) => has(LATENCY_METRICS[name]));
    this.#latencies = this.#latencyNames.map((name) => ({ name, bounds: [] }));
    this.figures = [...this.#metricFigures, 'cpu', 'loop', 'memory'];
  }

  /** With their bounds once they were read: a sum of several processes has none before one of them reported. */
  get latencies(): readonly LatencySource[] {
    return this.#latencies;
  }

  /**
   * Reads one second. Counts are what they rose by since the last call; the first call counts from the process' start.
   *
   * @param at Unix milliseconds
   */
  async sample(at: number): Promise<Sample> {
    const figures: number[] = [];
    for (const name of this.#metricFigures) figures.push(await this.#figure(name));
    const before = this.#latencies;
    const latencies: number[][] = [];
    for (const name of this.#latencyNames) latencies.push(await this.#latency(name));
    const upstreams = await this.#readUpstreams();
    return {
      second: { at, figures: [...figures, ...this.#ownFigures()], latencies, upstreams: this.#sinceLast(upstreams) },
      upstreams: [...upstreams.keys()],
      ...(this.#latencies !== before && { latencies: this.#latencies }),
    };
  }

  async #figure(name: keyof typeof METRIC_FIGURES): Promise<number> {
    const { metric, kind, only, except } = METRIC_FIGURES[name];
    const values = (await readMetric(this.#metrics, metric)) ?? [];
    const total = values
      .filter(({ labels }) => only === undefined || labels[only[0]] === only[1])
      .filter(({ labels }) => except === undefined || labels[except[0]] !== except[1])
      .reduce((sum, { value }) => sum + value, 0);
    if (kind === 'gauge') return total;
    const before = this.#totals.get(name) ?? 0;
    this.#totals.set(name, total);
    // A sum over processes falls when one of them ends.
    return Math.max(0, total - before);
  }

  async #latency(name: LatencyName): Promise<number[]> {
    const values = (await readMetric(this.#metrics, LATENCY_METRICS[name])) ?? [];
    const { bounds, counts } = distributionOf(values);
    const before = this.#buckets.get(name);
    if (this.#latencies.find((source) => source.name === name)?.bounds.length !== bounds.length)
      this.#latencies = this.#latencies.map((source) => (source.name === name ? { name, bounds } : source));
    this.#buckets.set(name, counts);
    return counts.flatMap((count, bucket) => {
      const rise = count - (before?.[bucket] ?? 0);
      return rise > 0 ? [bucket, rise] : [];
    });
  }

  async #readUpstreams(): Promise<Map<string, UpstreamTotals>> {
    const { connected, messages, wins, lag } = UPSTREAM_METRICS;
    const connectedNow = (await readMetric(this.#metrics, connected)) ?? [];
    const names = connectedNow
      .map(({ labels }) => String(labels['upstream']))
      .sort((one, other) => placeOf(one) - placeOf(other))
      .slice(0, MAX_UPSTREAMS);
    if (names.length === 0) return new Map();
    const byName = (values: readonly MetricValue[] = []) =>
      new Map(values.map(({ labels, value }) => [labels['upstream'], value]));
    const lags = (await readMetric(this.#metrics, lag)) ?? [];
    const read = {
      connected: byName(connectedNow),
      messages: byName(await readMetric(this.#metrics, messages)),
      wins: byName(await readMetric(this.#metrics, wins)),
      lagSeconds: byName(lags.filter(({ metricName }) => metricName === `${lag}_sum`)),
      lagCount: byName(lags.filter(({ metricName }) => metricName === `${lag}_count`)),
    };
    return new Map(
      names.map((name) => [
        name,
        {
          connected: read.connected.get(name) ?? 0,
          messages: read.messages.get(name) ?? 0,
          wins: read.wins.get(name) ?? 0,
          lagSeconds: read.lagSeconds.get(name) ?? 0,
          lagCount: read.lagCount.get(name) ?? 0,
        },
      ]),
    );
  }

  #sinceLast(upstreams: Map<string, UpstreamTotals>): UpstreamSecond[] {
    const before = this.#upstreams;
    this.#upstreams = upstreams;
    return [...upstreams].map(([name, now]) => {
      const last = before.get(name);
      const lagMs = (now.lagSeconds - (last?.lagSeconds ?? 0)) * 1000;
      return [
        now.connected,
        now.messages - (last?.messages ?? 0),
        now.wins - (last?.wins ?? 0),
        Math.round(lagMs * 1000) / 1000,
        now.lagCount - (last?.lagCount ?? 0),
      ];
    });
  }
}

/** Place in UPSTREAM_WS, which an upstream's name ends with. */
function placeOf(upstream: string): number {
  return Number(upstream.slice(upstream.lastIndexOf('#') + 1));
}

/** Shares of one core, and of the loop's time, since the last call, as parts of 1 in thousandths; resident bytes. */
function createOwnFigures(): () => readonly number[] {
  let cpu = process.cpuUsage();
  let loop: EventLoopUtilization = performance.eventLoopUtilization();
  let at = performance.now();
  return () => {
    const used = process.cpuUsage(cpu);
    const share = performance.eventLoopUtilization(loop).utilization;
    const now = performance.now();
    const cpuShare = (used.user + used.system) / 1000 / Math.max(1, now - at);
    cpu = process.cpuUsage();
    loop = performance.eventLoopUtilization();
    at = now;
    return [thousandths(cpuShare), thousandths(share), process.memoryUsage.rss()];
  };
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
