/**
 * The metrics of a process, by the names of the metrics contract. Only this folder knows prom-client's shapes of help
 * texts, buckets and label names; the programs use the typed objects.
 */
import { Registry, collectDefaultMetrics } from 'prom-client';

export interface RegistryOptions {
  /** Labels on every metric (METRICS_GLOBAL_LABELS, and `hostname` with METRICS_HOST_LABEL). */
  readonly globalLabels: Readonly<Record<string, string>>;
}

/** A registry with the process' default metrics and the global labels. */
export function createRegistry(options: RegistryOptions): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ ...options.globalLabels });
  collectDefaultMetrics({ register: registry });
  return registry;
}
