import type { Registry } from 'prom-client';

/** Where metrics are looked up by their names: a process' registry, or the sum of several processes'. */
export type MetricSource = Pick<Registry, 'getSingleMetric'>;

/** One value of a metric. A histogram's have the names of its parts: `_bucket`, `_sum`, `_count`. */
export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

/** @returns the values of a metric now; `undefined` where there is no such metric */
export async function readMetric(source: MetricSource, name: string): Promise<readonly MetricValue[] | undefined> {
  const metric = source.getSingleMetric(name);
  return metric === undefined ? undefined : (await metric.get()).values;
}

/** The counts of a histogram's buckets, each without those below it; the last one holds what is above every bound. */
export interface Distribution {
  /** Seconds. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** Reads a histogram without labels. */
export function distributionOf(values: readonly MetricValue[]): Distribution {
  const buckets = values
    .filter(({ metricName = '' }) => metricName.endsWith('_bucket'))
    .map(({ labels, value }) => ({ bound: labels['le'] === '+Inf' ? Infinity : Number(labels['le']), value }))
    .sort((one, other) => one.bound - other.bound);
  return {
    bounds: buckets.map(({ bound }) => bound).filter(Number.isFinite),
    counts: buckets.map(({ value }, place) => value - (buckets[place - 1]?.value ?? 0)),
  };
}
