/** Many clients resume while the stream runs. */
import type { BaseNode } from '../../support/base-node.ts';
import type { Random } from '../../../tools/simulate/random.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

const CLIENTS = 1000;
/** Clients that come between one message and the next, fewer than one address may have pending (MAX_PENDING_PER_IP). */
const AT_ONCE = 20;
/** How far back positions lie, in messages: 10 s, within the 12 s that an edge keeps. */
const FARTHEST = 100;
/** What was published last may not have reached the edge: a client ahead of it is told `live`. */
const NEAREST = 5;

/** The nodes that came with a position. */
const resumed = new WeakMap<World, readonly BaseNode[]>();

/** A node that had received the message which was published so many before the next one. */
function addBehind({ feed, fleet, edges }: World, nodes: number, before: () => number): readonly BaseNode[] {
  return fleet.add({
    nodes,
    url: (node) => edges[node.number % edges.length]!.url,
    behind: () => feed.messageAt(feed.truth.entries.at(-before())!.position),
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
      await feed.more(FARTHEST);
      const nodes: BaseNode[] = [];
      while (nodes.length < CLIENTS) {
        nodes.push(...addBehind(world, AT_ONCE, () => random.between(NEAREST, FARTHEST)));
        await feed.more(1);
      }
      resumed.set(world, nodes);
      await feed.forMs(1000);
    },
    check: expectComplete,
  },
];
