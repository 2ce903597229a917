/**
 * The metrics of a process, by the names of the metrics contract. Only this folder knows prom-client's shapes of help
 * texts, buckets and label names; the programs use the typed objects.
 */
import { hostname } from 'node:os';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { readVersion } from '../version.ts';

/**
 * How often the loop is looked at for `nodejs_eventloop_lag_*`, in milliseconds, which those gauges contain: an idle loop shows this
 * much. Each look wakes the process, and its usual 10 ms cost an edge more CPU than decoding and compressing the stream.
 */
const LOOP_LOOK_MS = 50;

export interface RegistryOptions {
  /** Labels on every metric. */
  readonly metricsGlobalLabels: Readonly<Record<string, string>>;
  /** Adds the label `hostname` to every metric. */
  readonly metricsHostLabel: boolean;
}

/** A registry with the process' default metrics, the build's description and the global labels. */
export function createRegistry(options: RegistryOptions): Registry {
  const { version, revision } = readVersion();
  const registry = new Registry();
  registry.setDefaultLabels({
    ...options.metricsGlobalLabels,
    ...(options.metricsHostLabel && { hostname: hostname() }),
  });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
  new Gauge({
    name: 'flashcast_build_info',
    help: 'Always 1; the labels tell what is running',
    labelNames: ['version', 'revision', 'node'],
    registers: [registry],
    aggregator: 'first',
  }).set({ version, revision, node: process.version }, 1);
  return registry;
}
