/** One of two upstreams fails, or the only one. */
import { MESSAGES_PER_BLOCK } from '../../../tools/simulate/chain.ts';
import type { FeedFaults } from '../feed.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

/** An hour in blocks of two seconds. */
const HOUR_BLOCKS = 1800;
/** A gap is repaired within GAP_REPAIR_MS, another upstream is there at once: nobody notices anything. */
const SILENCE_MS = 1000;

function faultyRow(name: string, fault: string, faults: Partial<FeedFaults>): Row {
  return {
    name,
    fault,
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run({ feed }, random) {
      const builder = feed.builders[random.between(0, 1)]!;
      builder.faults = { ...builder.faults, ...faults };
      await feed.forMs(5000);
    },
  };
}

export const upstreamRows: readonly Row[] = [
  {
    name: 'upstream-dies',
    fault: 'one of two upstreams dies',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run({ feed }, random) {
      await feed.builders[random.between(0, 1)]!.die();
      await feed.forMs(3000);
    },
  },
  faultyRow('upstream-skips', 'one of two upstreams skips a fifth of its messages', { skip: 0.2 }),
  faultyRow('upstream-repeats', 'one of two upstreams repeats messages of up to three blocks ago', { repeat: 0.3 }),
  faultyRow('upstream-reorders', 'one of two upstreams sends a fifth of its messages behind the next one', {
    reorder: 0.2,
  }),
  {
    name: 'upstream-replays',
    fault: 'one of two upstreams replays an hour-old block, in the middle of one and between two',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run({ feed }, random) {
      const builder = feed.builders[random.between(0, 1)]!;
      for (let times = 0; times < 3; times++) {
        await feed.more(random.between(1, MESSAGES_PER_BLOCK));
        const blockNumber = feed.next.blockNumber - HOUR_BLOCKS;
        for (let index = 0; index < MESSAGES_PER_BLOCK; index++) builder.send(feed.messageAt({ blockNumber, index }));
      }
      await feed.forMs(2000);
    },
  },
  {
    name: 'upstream-resumes',
    fault: 'the only upstream cuts its connections three times, and serves resumes',
    demands: { lost: 'nothing', silenceMs: 2000 },
    world: { builders: 1, buildersResume: true },
    async run({ feed, ingests }: World, random) {
      const { builder } = feed.builders[0]!;
      for (let times = 0; times < 3; times++) {
        for (const connection of builder.open) connection.cut();
        await builder.changes.until(() => builder.open.length === 0, 'the end of the connections');
        await builder.connected(ingests.length);
        await feed.forMs(random.between(500, 1500));
      }
    },
  },
];
