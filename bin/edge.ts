import type { EdgeSettings } from '../shared/config/settings.ts';
import type { Logger } from '../shared/log.ts';
import { createRedisEdge, edgeIdentity } from './edge-service.ts';
import { Instruments } from './instruments.ts';
import type { Lifecycle } from './serve.ts';
import { createPrimary } from './workers/primary.ts';
import { workerCount } from './workers/worker-settings.ts';

/** `flashcast edge`: Redis to clients, in this process or in several (EDGE_WORKERS). */
export function createEdge(settings: EdgeSettings, log: Logger): Lifecycle {
  const workers = workerCount(settings.edgeWorkers);
  return workers === 1 ? createSingleEdge(settings, log) : createPrimary(settings, workers, log);
}

function createSingleEdge(settings: EdgeSettings, log: Logger): Lifecycle {
  const instruments = new Instruments(edgeIdentity(settings), settings, log);
  const { registry, stall, feed } = instruments;
  const edge = createRedisEdge(settings, {
    registry,
    stall,
    log,
    onMessage: (envelope, lostBefore) => feed?.message(envelope, lostBefore),
  });
  let stopped = false as boolean;
  return {
    async start() {
      await instruments.start('edge', [edge, { checks: () => [], status: () => ({ edgeId: settings.edgeId }) }]);
      if (!stopped) await edge.start();
    },
    reload: () => edge.reload(),
    async stop() {
      stopped = true;
      await edge.stop();
      await instruments.stop();
    },
  };
}
