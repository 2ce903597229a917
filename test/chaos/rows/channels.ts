/** An edge loses the channel, or messages of it, while Redis itself is well. */
import type { Direction } from '../../support/tcp-proxy.ts';
import type { Row } from '../row.ts';
import type { World } from '../world.ts';

/** A quiet channel is compared once a second, a dead connection is noticed within 1.4 s (redis, "An edge's subscription"). */
const RECOVERY_MS = 2000;
/** Above the largest message of the chain, below two of them. */
const OVERFLOW_LIMIT_BYTES = 65_536;
/** More than may be in flight from one ingest, and so as many as can reach the server in one turn. */
const BURST = 30;
/** For so long the server gathers publishes, which it then carries out before it writes to any subscriber. */
const GATHER_MS = 300;

async function killSubscribers(world: World): Promise<void> {
  const killed = Number(await world.command('CLIENT', 'KILL', 'TYPE', 'pubsub'));
  if (killed < world.edges.length) throw new Error(`${killed} subscribers were there to be killed`);
}

async function burst(world: World): Promise<void> {
  await world.command('CLIENT', 'PAUSE', String(GATHER_MS), 'WRITE');
  for (let at = 0; at < BURST; at++) world.feed.publish();
}

/** Servers say nothing of an overflow: the edges have connected again, or there was none. */
async function expectOverflows({ edges }: World): Promise<void> {
  for (const [at, edge] of edges.entries()) {
    const reconnects = await edge.metric('flashcast_redis_reconnects_total');
    if (reconnects === 0) throw new Error(`edge ${at} kept its connections: no buffer overflowed`);
  }
}

/** The connections between every edge and Redis go silent while nothing is published; then one message is. */
async function muteWhileQuiet(world: World, direction?: Direction): Promise<void> {
  world.feed.pause();
  await world.caughtUp();
  for (const relay of world.edgeRelays) relay.mute(direction);
  world.feed.publish();
  await world.caughtUp();
}

function halfOpenRow(name: string, which: string, direction?: Direction): Row {
  return {
    name,
    fault: `half-open connections between edges and Redis: ${which}`,
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    async run(world, random) {
      for (const relay of world.edgeRelays) {
        relay.mute(direction);
        await world.feed.forMs(random.between(2000, 3000));
      }
    },
  };
}

export const channelRows: readonly Row[] = [
  {
    name: 'pubsub-killed',
    fault: '`CLIENT KILL TYPE pubsub`, five times',
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    async run(world, random) {
      for (let times = 0; times < 5; times++) {
        await killSubscribers(world);
        await world.feed.forMs(random.between(300, 1000));
      }
    },
  },
  {
    name: 'pubsub-killed-quiet',
    fault: '`CLIENT KILL TYPE pubsub` right before the only message in a while',
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    async run(world) {
      for (let times = 0; times < 3; times++) {
        world.feed.pause();
        await world.caughtUp();
        await killSubscribers(world);
        world.feed.publish();
        await world.caughtUp();
        world.feed.run();
        await world.feed.forMs(500);
      }
    },
  },
  {
    name: 'pubsub-overflow',
    fault: `a burst overflows the subscribers' output buffers (\`client-output-buffer-limit pubsub ${OVERFLOW_LIMIT_BYTES}\`)`,
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    world: { redisArgs: ['--client-output-buffer-limit', `pubsub ${OVERFLOW_LIMIT_BYTES} 0 0`] },
    async run(world) {
      for (let times = 0; times < 3; times++) {
        await burst(world);
        await world.feed.forMs(1500);
      }
      await expectOverflows(world);
    },
  },
  {
    name: 'pubsub-overflow-quiet',
    fault: 'the same, and nothing comes after the burst',
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    world: { redisArgs: ['--client-output-buffer-limit', `pubsub ${OVERFLOW_LIMIT_BYTES} 0 0`] },
    async run(world) {
      world.feed.pause();
      for (let times = 0; times < 3; times++) {
        await burst(world);
        await world.caughtUp();
      }
      await expectOverflows(world);
      world.feed.run();
    },
  },
  halfOpenRow('half-open', 'nothing passes'),
  halfOpenRow('half-open-answers', 'nothing comes from Redis', 'answer'),
  halfOpenRow('half-open-requests', 'nothing comes to Redis', 'request'),
  {
    name: 'half-open-quiet',
    fault: 'half-open connections between edges and Redis while the channel is quiet, then one message',
    demands: { lost: 'nothing', silenceMs: RECOVERY_MS },
    async run(world) {
      for (const direction of [undefined, 'answer', 'request'] as const) {
        await muteWhileQuiet(world, direction);
        world.feed.run();
        await world.feed.forMs(1000);
      }
    },
  },
];
