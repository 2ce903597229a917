/** One of two ingests fails. */
import type { Row } from '../row.ts';

/** What a stream of two ingests may be silent for when one of them goes. */
const SILENCE_MS = 1000;

export const ingestRows: readonly Row[] = [
  {
    name: 'ingest-killed',
    fault: 'kill -9 of one of two ingests, then of the other when the first is back',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run(world, random) {
      const first = random.between(0, 1);
      for (const at of [first, 1 - first]) {
        await world.kill(world.ingests[at]!);
        await world.feed.forMs(random.between(500, 2000));
        await world.startIngest(at);
        await world.feed.forMs(random.between(500, 1000));
      }
    },
  },
  {
    name: 'ingest-paused',
    fault: 'SIGSTOP of one of two ingests for 5 s, then SIGCONT',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run(world, random) {
      const { program } = world.ingests[random.between(0, 1)]!;
      program.signal('SIGSTOP');
      await world.feed.forMs(5000);
      program.signal('SIGCONT');
      await world.feed.forMs(3000);
    },
  },
  {
    name: 'ingest-restarted',
    fault: 'SIGTERM and restart of one of two ingests, twice',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run(world, random) {
      for (const at of [0, 1]) {
        await world.ingests[at]!.program.stop();
        await world.feed.forMs(random.between(300, 1500));
        await world.startIngest(at);
        await world.feed.forMs(500);
      }
    },
  },
  {
    name: 'ingest-partitioned',
    fault: 'one of two ingests does not reach Redis for 4 s (nothing passes, no connection ends)',
    demands: { lost: 'nothing', silenceMs: SILENCE_MS },
    async run(world, random) {
      const relay = world.ingestRelays[random.between(0, 1)]!;
      relay.blackhole(true);
      await world.feed.forMs(4000);
      relay.blackhole(false);
      await world.feed.forMs(2000);
    },
  },
];
