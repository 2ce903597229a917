import { Counter, Gauge, type Registry } from 'prom-client';

/** How a worker's process came to its end; the closed set of the label `how`. */
const WORKER_END_KINDS = ['exit', 'signal', 'hung'] as const;

/** What an edge of several processes tells of them. */
export type WorkerGroupMetrics = ReturnType<typeof createWorkerGroupMetrics>;

/**
 * @param states the closed set of the label `state`
 * @param count how many workers are in a state; asked at each scrape
 */
export function createWorkerGroupMetrics<S extends string>(
  registry: Registry,
  states: readonly S[],
  count: (state: S) => number,
) {
  const registers = [registry];
  new Gauge({
    name: 'flashcast_workers',
    help: 'Worker processes of this edge, by state',
    labelNames: ['state'] as const,
    registers,
    collect() {
      for (const state of states) this.set({ state }, count(state));
    },
  });
  const workerEnds = new Counter({
    name: 'flashcast_worker_ends_total',
    help: 'Worker processes that ended and were replaced: by themselves, by a signal, or as they stood still',
    labelNames: ['how'] as const,
    registers,
  });
  for (const how of WORKER_END_KINDS) workerEnds.inc({ how }, 0);
  return { workerEnds };
}
