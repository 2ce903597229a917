/** Many clients resume while the stream runs. */
import type { BaseNode } from '../../support/base-node.ts';
import type { Random } from '../../../tools/simulate/random.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

const CLIENTS = 1000;
/** Clients that come between one message and the next, fewer than one address may have pending (MAX_PENDING_PER_IP). */
const AT_ONCE = 20;
/** How old the messages are that nodes name: an edge keeps 12 s, and a dial takes its time. */
const OLDEST_MS = 10_000;
/** A client that is ahead of the edge is told `live`. */
const YOUNGEST_MS = 500;

/** The nodes that came with a position. */
const resumed = new WeakMap<World, readonly BaseNode[]>();

/** Nodes that had received a message, each another one. */
function addBehind({ feed, fleet, edges }: World, nodes: number, random: Random): readonly BaseNode[] {
  const now = performance.now();
  const named = feed.truth.entries.filter(
    ({ publishedAt }) => now - publishedAt >= YOUNGEST_MS && now - publishedAt <= OLDEST_MS,
  );
  return fleet.add({
    nodes,
    url: (node) => edges[node.number % edges.length]!.url,
    behind: () => feed.messageAt(named[random.between(0, named.length - 1)]!.position),
  });
}

function expectComplete(world: World): string[] {
  const others = resumed.get(world)!.filter(({ seams }) => seams[0]?.outcome !== 'complete');
  return others.length === 0
    ? []
    : [`${others.length} resumes were not complete, the first ${String(others[0]!.seams[0]?.outcome)}`];
}

export const resumeRows: readonly Row[] = [
  {
    name: 'seam',
    fault: `${CLIENTS} resumes at random positions of the last 10 s while the stream runs`,
    demands: { lost: 'nothing', nobodyClosed: true },
    world: { crowded: true },
    async run(world: World, random: Random) {
      const { feed } = world;
      await feed.forMs(OLDEST_MS);
      const nodes: BaseNode[] = [];
      while (nodes.length < CLIENTS) {
        nodes.push(...addBehind(world, AT_ONCE, random));
        await feed.more(1);
      }
      resumed.set(world, nodes);
      await feed.forMs(1000);
    },
    check: expectComplete,
  },
];
