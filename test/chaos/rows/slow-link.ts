/** More than a link carries: clients are behind, and no fault of theirs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../tools/simulate/random.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import type { BaseNode } from '../../support/base-node.ts';
import { latencies } from '../latency.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

const HEAVY_MESSAGES = 16;
/** Of a heavy message when it is compressed: sixteen are more than CLIENT_QUEUE_BYTES (4 MiB). */
const HEAVY_BYTES = 300_000;
/** The same where hundreds of clients get them: this process is all clients and links, and some 600 MB are its share. */
const LESS_HEAVY_BYTES = 130_000;
/** Nothing comes for so long. */
const HOLE_MS = 3000;
const FEW = 30;
const MANY = 300;
/** 8 Mbit/s to each client: five times what the usual stream takes. */
const LINK_BYTES_PER_SECOND = 1_000_000;
/** All of a burst over such a link, and more. */
const CATCH_UP_MS = 10_000;
/** A message that came so late waited for the link. */
const WAITED_MS = 1000;

/** What names the client's link. */
const nodeUrls = new WeakMap<World, (node: BaseNode) => string>();

/** A slow link before each edge. */
async function linksBefore(world: World): Promise<(node: BaseNode) => string> {
  const links = await Promise.all(world.edges.map(({ port }) => TcpProxy.start({ port })));
  for (const link of links) world.use(link).bytesPerSecond = LINK_BYTES_PER_SECOND;
  const url = ({ number }: BaseNode): string => `ws://127.0.0.1:${links[number % links.length]!.port}/ws`;
  nodeUrls.set(world, url);
  return url;
}

/** Publishes messages that no compression makes smaller, all at once. */
function publishHeavy({ feed }: World, bytes: number, random: Random): void {
  for (let at = 0; at < HEAVY_MESSAGES; at++)
    feed.publish((json) => Buffer.from(`{"heavy":"${random.hex(bytes)}",${json.toString('utf8', 1)}`));
}

function latestMs(world: World): number {
  return latencies(world, world.fleet.nodes).at(-1) ?? 0;
}

/** The link was really too slow, and the edges closed nobody. */
async function expectSlow(world: World): Promise<string[]> {
  const slow = await world.metric(world.edges, 'flashcast_client_disconnects_total', 'reason="slow"');
  return [
    ...(latestMs(world) >= WAITED_MS ? [] : ['no message waited for a link']),
    ...(slow > 0 ? [`${slow} clients were closed as too slow`] : []),
  ];
}

const SHARED = {
  demands: { lost: 'nothing', nobodyClosed: true },
  check: expectSlow,
  note: (world: World) => `the latest message came after ${(latestMs(world) / 1000).toFixed(1)} s`,
} as const;

export const slowLinkRows: readonly Row[] = [
  {
    ...SHARED,
    name: 'slow-link-burst',
    fault: `${HEAVY_MESSAGES} heavy messages and a ${HOLE_MS / 1000} s hole, all of it at once, to ${FEW} clients at 8 Mbit/s`,
    world: { nodes: FEW, bystanders: 0, patient: true, front: linksBefore },
    async run(world, random) {
      for (const relay of world.edgeRelays) relay.blackhole(true);
      publishHeavy(world, HEAVY_BYTES, random);
      await world.feed.forMs(HOLE_MS);
      for (const relay of world.edgeRelays) relay.blackhole(false);
      await world.feed.forMs(CATCH_UP_MS);
    },
  },
  {
    ...SHARED,
    name: 'slow-link-arrivals',
    fault: `${HEAVY_MESSAGES} heavy messages and a ${HOLE_MS / 1000} s hole, then ${FEW} to ${MANY} clients resume at once at 8 Mbit/s`,
    world: { nodes: FEW, bystanders: 0, patient: true, crowded: true, front: linksBefore },
    async run(world, random) {
      const { feed, fleet } = world;
      const before = feed.chain.message(feed.truth.entries.at(-1)!.position);
      publishHeavy(world, LESS_HEAVY_BYTES, random);
      feed.pause();
      await delay(HOLE_MS);
      feed.run();
      const nodes = random.between(FEW, MANY);
      fleet.add({ nodes, patient: true, url: nodeUrls.get(world)!, behind: () => before });
      await feed.forMs(CATCH_UP_MS);
    },
  },
];
