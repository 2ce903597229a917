/**
 * The metrics of a process, by the names of the metrics contract. Only this folder knows prom-client's shapes of help
 * texts, buckets and label names; the programs use the typed objects.
 */
import { hostname } from 'node:os';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { readVersion } from '../version.ts';
import { LoopLag } from './loop-lag.ts';

/** Milliseconds; so long that prom-client's own look at the loop, which cannot be left out, never wakes the process. */
const NEVER_MS = 2_147_483_647;

export interface RegistryOptions {
  /** Labels on every metric. */
  readonly metricsGlobalLabels: Readonly<Record<string, string>>;
  /** Adds the label `hostname` to every metric. */
  readonly metricsHostLabel: boolean;
}

/**
 * A registry with the process' default metrics, the build's description and the global labels.
 *
 * @param loopLag started and stopped by the program
 */
export function createRegistry(options: RegistryOptions, loopLag = new LoopLag()): Registry {
  const { version, revision } = readVersion();
  const registry = new Registry();
  registry.setDefaultLabels({
    ...options.metricsGlobalLabels,
    ...(options.metricsHostLabel && { hostname: hostname() }),
  });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  loopLag.register(registry);
  new Gauge({
    name: 'flashcast_build_info',
    help: 'Always 1; the labels tell what is running',
    labelNames: ['version', 'revision', 'node'],
    registers: [registry],
    aggregator: 'first',
  }).set({ version, revision, node: process.version }, 1);
  return registry;
}
