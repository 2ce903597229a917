/**
 * `flashcast edge` with several workers: the process that an operator starts, signals and scrapes. It checks the settings,
 * serves the operations port, counts the places for clients, and watches over the workers, each of which is a whole edge.
 */
import { Registry } from 'prom-client';
import { createLimitClock } from '../../edge/limits/clock.ts';
import type { EdgeSettings } from '../../shared/config/settings.ts';
import type { Logger } from '../../shared/log.ts';
import { createWorkerGroupMetrics } from '../../shared/metrics/worker-group-metrics.ts';
import { createRedisEdge, edgeIdentity } from '../edge-service.ts';
import { Instruments } from '../instruments.ts';
import type { Lifecycle } from '../serve.ts';
import { createClusterSpawn } from './cluster-process.ts';
import { WorkerGroup } from './group.ts';
import { GroupMetrics } from './group-metrics.ts';
import { groupChecks, groupStatus } from './group-status.ts';
import { pageMetric } from './page-metrics.ts';
import { WORKER_STATES } from './slot.ts';

/** @throws SettingsError when a file that the settings name cannot be used */
export function createPrimary(settings: EdgeSettings, workers: number, log: Logger): Lifecycle {
  const edgeRegistry = new Registry();
  const instruments: Instruments = new Instruments(edgeIdentity(settings), settings, log, {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    metrics: () => groupMetrics.metrics(),
    getSingleMetric: (name) => pageMetric(name, edgeRegistry, group.slots),
  });
  // It is never started: files that the settings name are read when an edge is made, and are wrong for all workers alike.
  createRedisEdge(settings, { registry: edgeRegistry, stall: instruments.stall, log });
  const metrics = createWorkerGroupMetrics(
    instruments.registry,
    WORKER_STATES,
    (state) => group.slots.filter((slot) => slot.state(group.now()) === state).length,
  );
  const clock = createLimitClock();
  const { stall } = instruments;
  const group: WorkerGroup = new WorkerGroup(settings, workers, {
    spawn: createClusterSpawn(),
    clock,
    stall,
    metrics,
    onMessage: (message, lostBefore) => instruments.feed?.message(message, lostBefore),
    log,
  });
  const groupMetrics = new GroupMetrics(group.slots, instruments.registry, clock);
  const told = {
    checks: () => groupChecks(group),
    status: () => ({ edgeId: settings.edgeId, ...groupStatus(group) }),
  };
  return {
    failed: group.failed,
    async start() {
      await instruments.start('edge', [told]);
      await group.start();
    },
    reload() {
      group.reload();
      return Promise.resolve();
    },
    async stop() {
      log.info({ workers }, 'draining all workers');
      await group.stop();
      await instruments.stop();
    },
  };
}
