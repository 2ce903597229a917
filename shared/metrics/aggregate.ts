/**
 * One set of metrics out of those of several processes that work as one. Each metric says by its `aggregator` how its values are put
 * together. Pure.
 */
import { type Aggregator, type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';

/** A process' metrics at one moment, as {@link Registry.getMetricsAsJSON} gives them. */
export type MetricsSnapshot = readonly MetricObjectWithValues<Sample>[];

/** A value of a histogram or a summary names its series: `..._bucket`, `..._sum`, `..._count`. */
type Sample = MetricValue<string> & { readonly metricName?: string };
type Metric = MetricsSnapshot[number];
type Rule = Exclude<Aggregator, 'omit'>;

/**
 * prom-client's own metrics whose aggregators hide what an operator looks for: when the program began, and the process that is short of descriptors. Each has its limit for itself: the sum of all over the limit of one would tell of want
 * where there is plenty.
 */
const OWN_RULES: Readonly<Record<string, Rule>> = {
  process_max_fds: 'min',
  process_open_fds: 'max',
  process_start_time_seconds: 'min',
};

/** Of the types whose values only rise, by their values at the end of Prometheus' names. */
const CUMULATIVE: ReadonlySet<unknown> = new Set(['counter', 'histogram', 'summary']);

/** @param snapshots in the order that `first` goes by */
export function aggregate(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  return combine(snapshots, ruleOf);
}

/** What a process has counted, for the time when it is gone; without all that described its state. */
export function cumulativePart(snapshot: MetricsSnapshot): MetricsSnapshot {
  return snapshot
    .filter(({ type }) => CUMULATIVE.has(type))
    .map((metric) => ({ ...metric, values: metric.values.filter((sample) => !isQuantile(metric, sample)) }));
}

/** A process' metrics on top of what those before it have counted. */
export function continued(before: MetricsSnapshot, snapshot: MetricsSnapshot): MetricsSnapshot {
  return combine([snapshot, before], () => 'sum');
}

/** The value of a metric without labels; `undefined` where there is none. */
export function valueOf(snapshot: MetricsSnapshot, name: string): number | undefined {
  return snapshot.find((metric) => metric.name === name)?.values[0]?.value;
}

/** In Prometheus' text format. */
export async function exposition(snapshot: MetricsSnapshot): Promise<string> {
  const registry = new Registry();
  // All that prom-client asks of a metric when it writes it.
  for (const metric of snapshot) registry.registerMetric({ ...metric, get: () => metric } as never);
  return registry.metrics();
}

/** Quantiles cannot be put together: the worst process' are told. */
function ruleOf(metric: Metric, sample: Sample): Aggregator {
  if (isQuantile(metric, sample)) return 'max';
  return OWN_RULES[metric.name] ?? metric.aggregator;
}

function isQuantile({ type }: Metric, { metricName }: Sample): boolean {
  return (type as unknown) === 'summary' && metricName === undefined;
}

function combine(
  snapshots: readonly MetricsSnapshot[],
  ruleFor: (metric: Metric, sample: Sample) => Aggregator,
): MetricsSnapshot {
  const byName = new Map<string, Metric[]>();
  for (const metric of snapshots.flat()) {
    const same = byName.get(metric.name);
    if (same === undefined) byName.set(metric.name, [metric]);
    else same.push(metric);
  }
  return [...byName.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const values = seriesOf(same).flatMap((samples) => together(samples, ruleFor(first, samples[0])));
    return [{ ...first, values }];
  });
}

/** The samples of the same series; each list has one at least. */
function seriesOf(metrics: readonly Metric[]): readonly (readonly [Sample, ...Sample[]])[] {
  const series = new Map<string, [Sample, ...Sample[]]>();
  for (const { values } of metrics) {
    for (const sample of values) {
      const key = JSON.stringify([sample.metricName, ...Object.entries(sample.labels).sort(byLabel)]);
      const same = series.get(key);
      if (same === undefined) series.set(key, [sample]);
      else same.push(sample);
    }
  }
  return [...series.values()];
}

function byLabel([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function together(samples: readonly [Sample, ...Sample[]], rule: Aggregator): Sample[] {
  const [first] = samples;
  const values = samples.map(({ value }) => value);
  const sum = (): number => values.reduce((total, value) => total + value, 0);
  switch (rule) {
    case 'omit':
      return [];
    case 'first':
      return [first];
    case 'sum':
      return [{ ...first, value: sum() }];
    case 'average':
      return [{ ...first, value: sum() / values.length }];
    case 'min':
      return [{ ...first, value: Math.min(...values) }];
    case 'max':
      return [{ ...first, value: Math.max(...values) }];
  }
}
