/** A rolling restart of all edges, as a deployment makes it. */
import { Random } from '../../../tools/simulate/random.ts';
import type { BaseNode } from '../../support/base-node.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

const EDGES = 3;
const CLIENTS = 1000;
const DRAIN_DELAY_MS = 1000;
/**
 * From the delay's end to the drain's. Clients wait for block ends, which are 1.1 s apart here: at much less than this, the
 * waiting alone would take a third of the time, and the rest would be closed too quickly.
 */
const CLOSING_MS = 18_000;
/** The demand on reconnects: in no stretch of so long more than so many times the even rate. */
const STRETCH_MS = 4000;
const MOST = 1.5;

/** One restart of an edge. */
interface Restart {
  readonly beganAt: number;
  readonly clients: number;
  readonly exitCode: number | null;
}
const restarts = new WeakMap<World, Restart[]>();

/** Which edge a node dialled last, and how many dials had failed by then. */
const dialled = new WeakMap<BaseNode, { readonly edge: number; readonly failed: number }>();

/** As names that resolve to all edges have it: any edge, and the next one after a refusal. */
function anyEdge(world: World, node: BaseNode): string {
  const before = dialled.get(node);
  const drawn = new Random(node.number, node.connects).between(0, EDGES - 1);
  const failed = node.failedDials;
  const edge = before === undefined ? node.number % EDGES : failed > before.failed ? (before.edge + 1) % EDGES : drawn;
  dialled.set(node, { edge, failed });
  return world.edges[edge]!.url;
}

/** The most that ever came within one stretch. */
function mostWithin(times: readonly number[], stretchMs: number): number {
  let most = 0;
  let first = 0;
  for (const [at, time] of times.entries()) {
    while (time - times[first]! >= stretchMs) first++;
    most = Math.max(most, at - first + 1);
  }
  return most;
}

/** When a node was there again after an edge had closed it. */
function reconnectsOf({ closedAt, openedAt }: BaseNode): number[] {
  return closedAt.flatMap(({ at, code }) => (code === 1001 ? openedAt.filter((time) => time > at).slice(0, 1) : []));
}

/** For each restart: the most reconnects within a stretch, as a multiple of the even rate (clients / CLOSING_MS). */
function ratesOf(world: World): number[] {
  const opened = world.fleet.nodes.flatMap(reconnectsOf).sort((one, other) => one - other);
  return restarts.get(world)!.map(({ beganAt, clients }, at, all) => {
    const until = all[at + 1]?.beganAt ?? Infinity;
    const reconnects = opened.filter((time) => time >= beganAt && time < until);
    return mostWithin(reconnects, STRETCH_MS) / ((clients / CLOSING_MS) * STRETCH_MS);
  });
}

function inOneDecimal(values: readonly number[]): string {
  return values.map((value) => value.toFixed(2)).join(', ');
}

export const rollingRows: readonly Row[] = [
  {
    name: 'rolling-restart',
    fault: `rolling restart of ${EDGES} edges (SIGTERM, start, the next)`,
    demands: { lost: 'nothing' },
    long: true,
    world: {
      edges: EDGES,
      nodes: CLIENTS,
      crowded: true,
      edgeSettings: {
        DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
        DRAIN_TIMEOUT_MS: String(DRAIN_DELAY_MS + CLOSING_MS),
      },
      front: (world) => Promise.resolve((node) => anyEdge(world, node)),
    },
    async run(world, random) {
      const made: Restart[] = [];
      restarts.set(world, made);
      const first = random.between(0, EDGES - 1);
      for (let turn = 0; turn < EDGES; turn++) {
        const at = (first + turn) % EDGES;
        const edge = world.edges[at]!;
        const beganAt = performance.now();
        const clients = await edge.metric('websocket_proxy_active_connections');
        edge.program.signal('SIGTERM');
        const { code } = await edge.program.exit;
        made.push({ beganAt, clients, exitCode: code });
        await world.startEdge(at);
      }
      await world.feed.forMs(2000);
    },
    check(world) {
      const { nodes } = world.fleet;
      // A node that left for a late pong closed itself.
      const otherwise = nodes.filter(
        ({ closedAt, pongTimeouts }) => closedAt.filter(({ code }) => code !== 1001).length > pongTimeouts,
      );
      const closed = nodes.reduce((sum, { closes }) => sum + (closes.get(1001) ?? 0), 0);
      const left = nodes.reduce((sum, { pongTimeouts }) => sum + pongTimeouts, 0);
      const drained = restarts.get(world)!.reduce((sum, { clients }) => sum + clients, 0);
      const exits = restarts.get(world)!.filter(({ exitCode }) => exitCode !== 0);
      const rates = ratesOf(world);
      return [
        ...(otherwise.length > 0 ? [`${otherwise.length} clients were not closed with 1001`] : []),
        ...(closed < drained - left ? [`${closed} clients were closed with 1001, of ${drained}`] : []),
        ...exits.map(({ exitCode }) => `an edge ended with ${exitCode}`),
        ...(rates.some((rate) => rate > MOST)
          ? [`reconnects within ${STRETCH_MS} ms came to ${inOneDecimal(rates)} times the even rate`]
          : []),
      ];
    },
    note(world) {
      const failed = world.fleet.nodes.reduce((sum, { failedDials }) => sum + failedDials, 0);
      return `reconnects within 4 s at most ${inOneDecimal(ratesOf(world))} times the even rate, ${failed} dials refused`;
    },
  },
];
