/** Many clients resume while the stream runs. */
import type { BaseNode } from '../../support/base-node.ts';
import type { Random } from '../../../tools/simulate/random.ts';
import { Herd, type HerdReport } from '../herd.ts';
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

/** What became of a herd, and what the live clients' messages took, in ascending milliseconds, before it and meanwhile. */
interface HerdRun {
  readonly report: HerdReport;
  readonly tookMs: number;
  readonly calm: readonly number[];
  readonly during: readonly number[];
}
const herds = new WeakMap<World, HerdRun>();

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
      const herd = world.use(new Herd());
      await feed.forMs(OLDEST_MS);
      const begun = performance.now();
      const at = feed.truth.entries.findIndex(({ publishedAt }) => begun - publishedAt <= OLDEST_MS);
      await herd.resume({
        port: world.edges[0]!.port,
        clients: CLIENTS,
        behind: feed.chain.message(feed.truth.entries[at]!.position).toString(),
        messages: feed.truth.entries.length - 1 - at,
      });
      const ended = performance.now();
      await feed.forMs(1000);
      herds.set(world, {
        report: await herd.report(),
        tookMs: ended - begun,
        calm: latencies(world, fleet.nodes, begun - CALM_MS, begun),
        during: latencies(world, fleet.nodes, begun, ended),
      });
    },
    check(world) {
      const { complete, left, pongTimeouts, violations } = herds.get(world)!.report;
      const late = world.fleet.nodes.filter((node) => node.pongTimeouts > 0).length + pongTimeouts;
      return [
        ...(complete < CLIENTS ? [`${CLIENTS - complete} resumes were not complete`] : []),
        ...(late > 0 ? [`${late} clients got a pong too late`] : []),
        ...(left > 0 ? [`${left} clients of the herd left`] : []),
        ...(violations > 0 ? [`${violations} clients of the herd missed, or got twice, a flashblock`] : []),
      ];
    },
    note(world) {
      const { calm, during, tookMs } = herds.get(world)!;
      const told = [0.5, 0.99].map((share) => {
        const [before, meanwhile] = [quantile(calm, share), quantile(during, share)];
        return `${before.toFixed(1)} to ${meanwhile.toFixed(1)} ms (${(meanwhile / before).toFixed(1)} times)`;
      });
      return `the herd had caught up after ${(tookMs / 1000).toFixed(1)} s; the live ones' latency rose from ${told[0]} in the median, from ${told[1]} at the 99th percentile`;
    },
  },
];
