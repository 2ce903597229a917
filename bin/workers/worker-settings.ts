import { availableParallelism } from 'node:os';
import type { EdgeSettings } from '../../shared/config/settings.ts';

/** How many processes EDGE_WORKERS asks for. */
export function workerCount(edgeWorkers: EdgeSettings['edgeWorkers']): number {
  return edgeWorkers === 'auto' ? availableParallelism() : edgeWorkers;
}

/**
 * A worker's share of the settings. It serves no operations port; it is another edge to Redis; what bounds the memory of connections
 * that are no clients yet is divided. INSTANCE_CONNECTION_LIMIT stays whole: the primary counts its places.
 *
 * @param number from 1
 */
export function workerSettings(settings: EdgeSettings, number: number, workers: number): EdgeSettings {
  return {
    ...settings,
    edgeWorkers: 1,
    edgeId: `${settings.edgeId}-${number}`,
    metrics: false,
    // Whether the primary has a page to tell of it.
    statusPage: settings.metrics && settings.statusPage,
    maxPending: Math.ceil(settings.maxPending / workers),
  };
}
