/** Redis itself fails. */
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

/** From its return on. */
const RECOVERY_MS = 2000;
/** What Redis keeps when it is killed: everything that it answered. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

async function killAndStart(world: World, awayMs: number): Promise<void> {
  await world.redis.kill();
  await world.feed.forMs(awayMs);
  await world.redis.start();
  world.mark('Redis answers again');
  await world.feed.forMs(3000);
}

export const redisRows: readonly Row[] = [
  {
    name: 'redis-restart',
    fault: 'kill -9 of Redis, and restart with its data after 1 to 3 s',
    demands: { lost: 'nothing', recoveredMs: RECOVERY_MS },
    world: { redisArgs: DURABLE },
    run: (world, random) => killAndStart(world, random.between(1000, 3000)),
  },
  {
    name: 'redis-paused',
    fault: '`CLIENT PAUSE` for 3 s',
    demands: { lost: 'nothing', recoveredMs: RECOVERY_MS },
    async run(world) {
      await world.command('CLIENT', 'PAUSE', '3000', 'ALL');
      await world.feed.forMs(2000);
      // It is answered when the pause is over.
      await world.command('PING');
      world.mark('the pause is over');
      await world.feed.forMs(3000);
    },
  },
  {
    name: 'redis-blackhole',
    fault: 'nothing passes between Redis and anybody for 3 s',
    demands: { lost: 'nothing', recoveredMs: RECOVERY_MS },
    async run(world) {
      const relays = [...world.ingestRelays, ...world.edgeRelays];
      for (const relay of relays) relay.blackhole(true);
      await world.feed.forMs(3000);
      for (const relay of relays) relay.blackhole(false);
      world.mark('everything passes');
      await world.feed.forMs(3000);
    },
  },
  {
    name: 'redis-restart-empty',
    fault: 'kill -9 of Redis, and restart without data after 1 to 3 s',
    demands: { lost: 'counted', recoveredMs: RECOVERY_MS },
    run: (world, random) => killAndStart(world, random.between(1000, 3000)),
    check: expectNewEpochs(1),
  },
  {
    name: 'redis-flushed',
    fault: '`FLUSHALL`, three times',
    demands: { lost: 'counted', recoveredMs: RECOVERY_MS },
    async run(world, random) {
      for (let times = 0; times < 3; times++) {
        await world.command('FLUSHALL');
        world.mark('flushed');
        await world.feed.forMs(random.between(1000, 2000));
      }
    },
    check: expectNewEpochs(3),
  },
  {
    name: 'redis-flushed-unseen',
    fault: '`FLUSHALL` while the edges hear nothing of Redis for 1 to 2 s',
    demands: { lost: 'counted', recoveredMs: RECOVERY_MS },
    async run(world, random) {
      for (const relay of world.edgeRelays) relay.blackhole(true);
      await world.feed.forMs(random.between(500, 1000));
      await world.command('FLUSHALL');
      await world.feed.forMs(random.between(500, 1000));
      for (const relay of world.edgeRelays) {
        // What the dead connections hold would arrive as if nothing had been.
        relay.cut();
        relay.blackhole(false);
      }
      world.mark('the edges hear Redis');
      await world.feed.forMs(3000);
    },
    check: expectNewEpochs(1),
  },
];

/** Every edge must have seen so many changes of the epoch. */
function expectNewEpochs(count: number): NonNullable<Row['check']> {
  return async ({ edges }) => {
    const wrong: string[] = [];
    for (const [at, edge] of edges.entries()) {
      const epochs = await edge.metric('flashcast_stream_epochs_total');
      if (epochs !== count) wrong.push(`edge ${at} saw ${epochs} new epochs, not ${count}`);
    }
    return wrong;
  };
}
