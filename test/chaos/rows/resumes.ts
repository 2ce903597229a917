/** Many clients resume while the stream runs. */
import type { BaseNode } from '../../support/base-node.ts';
import type { Random } from '../../../tools/simulate/random.ts';
import { latencies, quantile } from '../latency.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

const CLIENTS = 1000;
/**
 * A machine that is busy with other things may take seconds for a thousand dials, and what is older than the usual 12 s is told
 * as missing: here that would say nothing of flashcast.
 */
const KEEP = { STREAM_RETENTION_MS: '20000' };
const CROWD = { crowded: true, ingestSettings: KEEP, edgeSettings: KEEP } as const;
/** Clients that come between one message and the next, fewer than one address may have pending (MAX_PENDING_PER_IP). */
const AT_ONCE = 20;
/** How old the messages are that nodes name: an edge keeps 12 s. */
const OLDEST_MS = 10_000;
/** A client that is ahead of the edge is told `live`. */
const YOUNGEST_MS = 500;

/** How long the live clients are watched before the others come. */
const CALM_MS = 5000;
/** Clients that stay, where others come. */
const LIVE = 200;

/** What the live clients' messages took, in ascending milliseconds: before the others came, and while they caught up. */
const latencyOf = new WeakMap<World, { readonly calm: readonly number[]; readonly herd: readonly number[] }>();

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
    behind: () => feed.chain.message(named[random.between(0, named.length - 1)]!.position),
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
    world: CROWD,
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
  {
    name: 'resume-herd',
    fault: `${CLIENTS} clients resume at once with 10 s of backlog each, at an edge where ${LIVE} are live`,
    demands: { lost: 'nothing', nobodyClosed: true },
    world: { ...CROWD, edges: 1, nodes: LIVE, bystanders: 0 },
    async run(world) {
      const { feed, fleet } = world;
      const live = [...fleet.nodes];
      await feed.forMs(OLDEST_MS);
      const begun = performance.now();
      const named = feed.truth.entries.find(({ publishedAt }) => begun - publishedAt <= OLDEST_MS)!;
      const json = feed.chain.message(named.position);
      resumed.set(world, fleet.add({ nodes: CLIENTS, url: () => world.edges[0]!.url, behind: () => json }));
      await world.caughtUp();
      const ended = performance.now();
      await feed.forMs(1000);
      latencyOf.set(world, {
        calm: latencies(world, live, begun - CALM_MS, begun),
        herd: latencies(world, live, begun, ended),
      });
    },
    check(world) {
      const late = world.fleet.nodes.filter(({ pongTimeouts }) => pongTimeouts > 0).length;
      return [...expectComplete(world), ...(late > 0 ? [`${late} clients got a pong too late`] : [])];
    },
    note(world) {
      const { calm, herd } = latencyOf.get(world)!;
      const told = [0.5, 0.99].map((share) => {
        const [before, during] = [quantile(calm, share), quantile(herd, share)];
        return `${before.toFixed(1)} to ${during.toFixed(1)} ms (${(during / before).toFixed(1)} times)`;
      });
      return `the live ones' latency rose from ${told[0]} in the median, from ${told[1]} at the 99th percentile`;
    },
  },
];
