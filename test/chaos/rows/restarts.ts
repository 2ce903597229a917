/** The chain runs on elsewhere, or a builder says so. */
import { setTimeout as delay } from 'node:timers/promises';
import { contentHashOf } from '../../../shared/envelope.ts';
import { MESSAGES_PER_BLOCK } from '../../../tools/simulate/chain.ts';
import type { Random } from '../../../tools/simulate/random.ts';
import type { FeedBuilder } from '../feed.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

/** An hour in blocks of two seconds. */
const HOUR_BLOCKS = 1800;
/** RESTART_MS of the ingests, its default. */
const RESTART_MS = 4000;
/** A block at one message every 100 ms. */
const BLOCK_MS = 100 * MESSAGES_PER_BLOCK;
/** Near the largest number that a position may have (2^53-1): no chain of today comes there. */
const ABSURD_BLOCK = 9_000_000_000_000_000;

/** What became of the restart that a row made: the messages refused before it, and how long it took. */
interface Restart {
  readonly refused: number;
  readonly followedMs: number;
}
const restarts = new WeakMap<World, Restart>();

function blockOf({ feed }: World, blockNumber: number): readonly Buffer[] {
  return Array.from({ length: MESSAGES_PER_BLOCK }, (_, index) => feed.messageAt({ blockNumber, index }));
}

/** The absurd message of one builder. */
function sendAbsurd({ feed }: World, builder: FeedBuilder): void {
  builder.send(feed.messageAt({ blockNumber: ABSURD_BLOCK, index: 0 }));
}

/**
 * The chain goes on with what every ingest refuses at first. Takes what was refused out of the truth: all before the first
 * index 0 that any client received.
 */
async function untilFollowed(world: World): Promise<void> {
  const { feed, fleet } = world;
  const { truth } = feed;
  const first = truth.length;
  await feed.forMs(RESTART_MS + 4 * BLOCK_MS);
  const begun = truth.entries[first]!.publishedAt;
  const seen = new Map(fleet.table.messages.map(({ contentHash, at }) => [contentHash, at]));
  const start = truth.entries.findIndex(
    ({ position, contentHash }, at) => at >= first && position.index === 0 && seen.has(contentHash),
  );
  if (start === -1) throw new Error('the restart was never followed');
  const followedMs = seen.get(truth.entries[start]!.contentHash)! - begun;
  const refused = truth.refuse((_, at) => at >= first && at < start);
  restarts.set(world, { refused, followedMs });
}

/** Every ingest hears every builder, and must have counted so many of the messages of each as stale. */
async function expectStale({ ingests, metric }: Pick<World, 'ingests' | 'metric'>, each: number): Promise<string[]> {
  const stale = await metric(ingests, 'flashcast_upstream_stale_total');
  return stale === each * ingests.length ? [] : [`${stale} messages were counted stale, not ${each * ingests.length}`];
}

/** The restart came in time, and what was refused before it was counted. */
async function expectFollowed(world: World): Promise<string[]> {
  const { refused, followedMs } = restarts.get(world)!;
  const limitMs = RESTART_MS + 2 * BLOCK_MS;
  const late = followedMs > limitMs ? [`the restart was followed after ${Math.round(followedMs)} ms`] : [];
  return [...late, ...(await expectStale(world, refused * world.feed.builders.length))];
}

function noteRestart(world: World): string {
  const { refused, followedMs } = restarts.get(world)!;
  return `followed after ${(followedMs / 1000).toFixed(1)} s, ${refused} messages refused before`;
}

/** Somewhere within a block. */
function intoBlock({ feed }: World, random: Random): Promise<void> {
  return feed.more(random.between(1, MESSAGES_PER_BLOCK));
}

export const restartRows: readonly Row[] = [
  {
    name: 'sequencer-promoted',
    fault: 'another sequencer takes over, and flushes an hour-old block first',
    demands: { lost: 'nothing', silenceMs: 1000 },
    async run(world, random) {
      const { feed } = world;
      const active = random.between(0, 1);
      const [former, promoted] = [feed.builders[active]!, feed.builders[1 - active]!];
      promoted.faults = { ...promoted.faults, skip: 1 };
      await feed.forMs(1000);
      await intoBlock(world, random);
      for (const json of blockOf(world, feed.next.blockNumber - HOUR_BLOCKS)) promoted.send(json);
      promoted.faults = { ...promoted.faults, skip: 0 };
      await feed.more(2);
      former.faults = { ...former.faults, skip: 1 };
      await feed.forMs(3000);
    },
    check: (world) => expectStale(world, MESSAGES_PER_BLOCK),
  },
  {
    name: 'chain-restarts-lower',
    fault: 'the chain goes on 100 blocks lower',
    demands: { lost: 'nothing' },
    async run(world, random) {
      await intoBlock(world, random);
      world.feed.jumpTo(world.feed.next.blockNumber - 100);
      await untilFollowed(world);
    },
    check: expectFollowed,
    note: noteRestart,
  },
  {
    name: 'absurd-block',
    fault: 'one of two builders sends block 9e15 once',
    demands: { lost: 'nothing', silenceMs: 1000 },
    async run(world, random) {
      const { feed } = world;
      await intoBlock(world, random);
      sendAbsurd(world, feed.builders[random.between(0, 1)]!);
      await feed.forMs(RESTART_MS + 2 * BLOCK_MS);
    },
    check: (world) => expectStale(world, 1),
  },
  {
    name: 'absurd-block-after-silence',
    fault: 'one of two builders sends block 9e15 once when the stream stood still so long that it is believed',
    demands: { lost: 'nothing' },
    async run(world, random) {
      const { feed } = world;
      await intoBlock(world, random);
      feed.pause();
      await delay(RESTART_MS + 500);
      sendAbsurd(world, feed.builders[random.between(0, 1)]!);
      const position = { blockNumber: ABSURD_BLOCK, index: 0 };
      const contentHash = contentHashOf(feed.messageAt(position));
      feed.truth.add({ position, contentHash, publishedAt: performance.now() });
      await world.caughtUp();
      feed.run();
      await untilFollowed(world);
    },
    check: expectFollowed,
    note: noteRestart,
  },
];
