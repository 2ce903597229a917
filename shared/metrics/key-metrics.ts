import { Counter, Gauge, type Registry } from 'prom-client';

/** What is told of the API keys; never which. */
export type KeyMetrics = ReturnType<typeof createKeyMetrics>;

export function createKeyMetrics(registry: Registry) {
  const registers = [registry];
  return {
    apiKeysLoaded: new Gauge({
      name: 'flashcast_api_keys_loaded',
      help: 'API keys in force, those included that have expired and still stand in the file',
      registers,
      aggregator: 'max',
    }),
    apiKeysReloadFailures: new Counter({
      name: 'flashcast_api_keys_reload_failures_total',
      help: 'Readings of API_KEYS_FILE that failed; the keys from before them stay in force',
      registers,
    }),
  };
}
