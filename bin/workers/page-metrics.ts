import type { Registry } from 'prom-client';
import { aggregate, type MetricsSnapshot } from '../../shared/metrics/aggregate.ts';
import { LATENCY_METRICS, METRIC_FIGURES } from '../../shared/status/figures.ts';
import type { Slot } from './slot.ts';

/** What the status page reads every second. The whole metrics would cost a worker with thousands of sockets milliseconds each time. */
const PAGE_METRICS: readonly string[] = [
  ...new Set([...Object.values(METRIC_FIGURES).map(({ metric }) => metric), ...Object.values(LATENCY_METRICS)]),
];

/** A worker's part of them, for its report. */
export async function readPageMetrics(registry: Registry): Promise<MetricsSnapshot> {
  const metrics = PAGE_METRICS.map((name) => registry.getSingleMetric(name)).filter((metric) => metric !== undefined);
  return Promise.all(metrics.map((metric) => metric.get()));
}

/**
 * The page's metrics over all workers, by what each reported last.
 *
 * @param edge knows which metrics an edge has, also before a worker has told of any
 */
export function pageMetric(
  name: string,
  edge: Registry,
  slots: readonly Slot[],
): ReturnType<Registry['getSingleMetric']> | undefined {
  const metric = edge.getSingleMetric(name);
  if (metric === undefined) return undefined;
  const reported = (): MetricsSnapshot[] =>
    slots.map(({ report }) => (report?.pageMetrics ?? []).filter((one) => one.name === name));
  return Object.assign(Object.create(metric) as typeof metric, {
    get: () => Promise.resolve(aggregate(reported())[0] ?? { values: [] }),
  });
}
