/** Edges behind the deployment's balancer. */
import { HaProxy } from '../../support/haproxy.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

async function haproxyBefore(world: World): Promise<string> {
  return world.use(await HaProxy.start(world.edges)).url;
}

export const balancerRows: readonly Row[] = [
  {
    name: 'edge-killed',
    fault: 'kill -9 of one edge of three behind HAProxy',
    demands: { lost: 'nothing', silenceMs: 2000 },
    world: { edges: 3, front: haproxyBefore },
    missing: () => Promise.resolve(HaProxy.missing()),
    async run(world, random) {
      const victim = world.edges[random.between(0, 2)]!;
      const clients = await victim.metric('websocket_proxy_active_connections');
      if (clients === 0) throw new Error('the edge had no client');
      await world.feed.more(random.between(1, 10));
      await world.kill(victim);
      await world.feed.forMs(5000);
    },
    check: ({ fleet }) =>
      fleet.nodes.some(({ seams }) => seams.some(({ outcome }) => outcome === 'complete'))
        ? []
        : ['nobody had to resume'],
    note({ fleet }) {
      const moved = fleet.nodes.filter(({ seams }) => seams.length > 1).length;
      return `${moved} clients went on elsewhere`;
    },
  },
];
