import { Random } from '../../tools/simulate/random.ts';
import { judgeClient, type ClientVerdict } from './judge.ts';
import type { Row } from './row.ts';
import { verdictOf, type RowVerdict } from './verdict.ts';
import { World } from './world.ts';

/** Messages after the row's own: the stream must really have gone on. */
const LAST_MESSAGES = 10;

export interface RowRun {
  readonly row: Row;
  readonly seed: number;
  /** Folder of the build that the programs run; default the project's own. */
  readonly build?: string | undefined;
  /** Where the programs' logs go when the row fails. */
  readonly logs: string;
  /** Rejects when the row is to end at once. */
  readonly interrupted?: Promise<never>;
}

/** The randomness of a row: the same for the same seed, whichever rows run beside it. */
function randomOf({ row, seed }: RowRun): Random {
  return new Random(seed, ...Buffer.from(row.name));
}

/** Runs a row in a world of its own and judges it. Rejects only where the world could not be opened or the fault injected. */
export async function runRow(run: RowRun): Promise<RowVerdict> {
  const { row, build, logs, interrupted } = run;
  const random = randomOf(run);
  const world = await World.open(row.world ?? {}, random, build);
  try {
    const whole = inWorld(row, world, random);
    const verdict = await (interrupted === undefined ? whole : Promise.race([whole, interrupted]));
    if (verdict.wrong.length > 0) await world.saveLogs(logs);
    return verdict;
  } catch (error) {
    await world.saveLogs(logs);
    throw error;
  } finally {
    await world[Symbol.asyncDispose]();
  }
}

async function inWorld(row: Row, world: World, random: Random): Promise<RowVerdict> {
  await row.run(world, random);
  await world.feed.more(LAST_MESSAGES);
  world.feed.pause();
  // Where somebody never has it all, the judge says what is missing.
  await world.caughtUp();
  return judge(row, world);
}

async function judge(row: Row, world: World): Promise<RowVerdict> {
  const endedAt = performance.now();
  const { feed, fleet, marks } = world;
  const verdicts = fleet.nodes.map((node): ClientVerdict => {
    const received = node.received.map((number) => fleet.table.messages[number]!.contentHash);
    const { number, receivedAt, seams } = node;
    return judgeClient(feed.truth.entries, { number, received, receivedAt, seams }, marks, endedAt);
  });
  const countedAt = new Map<string, number>();
  for (const edge of world.edges) {
    if (!edge.program.ended) {
      countedAt.set(edge.url, await edge.metric('flashcast_stream_gaps_total', 'outcome="lost"'));
    }
  }
  const nodes = fleet.nodes.map((node, at) => ({ node, verdict: verdicts[at]! }));
  const verdict = verdictOf(row, { truth: feed.truth.entries, marks, nodes, countedAt });
  const further = (await row.check?.(world)) ?? [];
  const note = row.note?.(world);
  return { ...verdict, ...(note !== undefined && { note }), wrong: [...verdict.wrong, ...further] };
}
