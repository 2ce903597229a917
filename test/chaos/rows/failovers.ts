/** The primary that holds the stream dies, and its replica takes over. */
import { setTimeout as delay } from 'node:timers/promises';
import { streamKeys } from '../../../shared/backplane/redis/keys.ts';
import { redisCommand } from '../../support/redis-command.ts';
import { RedisCluster, RedisSentinel, redisOrigin } from '../../support/redis.ts';
import type { RedisOrigin } from '../../support/redis-finder.ts';
import type { Row } from '../row.ts';
import type { BroughtRedis, World } from '../world.ts';

const SENTINELS = 3;
/** What is published meanwhile waits: as long at this pace as with the default of 64 at 200 ms. */
const BUFFER = { PUBLISH_BUFFER_MESSAGES: '128' };
/** Longer than any failover here takes. */
const AFTER_MS = 8000;
/** How long the replica gets nothing before the primary dies. */
const BEHIND_MS = 1000;
/** Messages of these that the edges do not get either; few, as the edges stand still for them and must answer pings. */
const UNHEARD = 2;

/** A primary and its replica. */
interface Pair {
  readonly url: string;
  readonly firstUrl: string;
  readonly secondUrl: string;
  kill(): Promise<void>;
  stop(): Promise<void>;
}
const pairs = new WeakMap<World, Pair>();
/** Messages that the replica lacked. */
const lacked = new WeakMap<World, number>();

async function startSentinel(origin: RedisOrigin): Promise<Pair> {
  const sentinel = await RedisSentinel.start(origin, SENTINELS);
  const { url, firstUrl, secondUrl } = sentinel;
  return { url, firstUrl, secondUrl, kill: () => sentinel.killFirst(), stop: () => sentinel.stop() };
}

async function startCluster(origin: RedisOrigin): Promise<Pair> {
  const cluster = await RedisCluster.start(origin);
  const { url, firstUrl, secondUrl } = cluster;
  return { url, firstUrl, secondUrl, kill: () => cluster.killPrimary(), stop: () => cluster.stop() };
}

function bring(start: (origin: RedisOrigin) => Promise<Pair>): (world: World) => Promise<BroughtRedis> {
  return async (world) => {
    const origin = await redisOrigin();
    if (origin === undefined) throw new Error('there is no Redis of its own');
    const pair = await start(origin);
    world.use({ [Symbol.asyncDispose]: () => pair.stop() });
    pairs.set(world, pair);
    return { url: pair.url };
  };
}

/** A number of `INFO replication`. */
async function offset(url: string, field: string): Promise<number> {
  const info = String(await redisCommand(url, 'INFO', 'replication'));
  return Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(info)?.[1]);
}

/** Number of the newest message that a server has. */
async function newest(url: string): Promise<number> {
  const key = streamKeys('flashblocks').history;
  const entries = (await redisCommand(url, 'XREVRANGE', key, '+', '-', 'COUNT', '1')) as [string, unknown][];
  return Number(entries[0]?.[0].split('-')[0]);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

/** The replica hears no more of the primary. */
async function cutReplication({ firstUrl }: Pair): Promise<void> {
  await redisCommand(firstUrl, 'ACL', 'SETUSER', 'default', '-psync', '-sync');
  const killed = Number(await redisCommand(firstUrl, 'CLIENT', 'KILL', 'TYPE', 'replica'));
  if (killed !== 1) throw new Error(`${killed} replicas were there to be cut off`);
}

/** The primary takes messages that neither the replica nor an edge gets. */
async function publishUnheard({ feed, edges }: World, { firstUrl }: Pair): Promise<void> {
  const before = await newest(firstUrl);
  for (const { program } of edges) program.signal('SIGSTOP');
  // What they were sent would wait in their sockets.
  await redisCommand(firstUrl, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
  await feed.more(UNHEARD);
  await until(async () => (await newest(firstUrl)) >= before + UNHEARD);
}

function failoversOf(kind: string, fault: string, start: (origin: RedisOrigin) => Promise<Pair>): readonly Row[] {
  const world = { bringRedis: bring(start), ingestSettings: BUFFER };
  return [
    {
      name: `${kind}-failover`,
      fault: `${fault}; its replica has everything`,
      demands: { lost: 'nothing' },
      world,
      async run(world, random) {
        const pair = pairs.get(world)!;
        await world.feed.more(random.between(1, 10));
        world.feed.pause();
        await world.caughtUp();
        const written = await offset(pair.firstUrl, 'master_repl_offset');
        await until(async () => (await offset(pair.secondUrl, 'slave_repl_offset')) >= written);
        await pair.kill();
        world.feed.run();
        await world.feed.forMs(AFTER_MS);
      },
    },
    {
      name: `${kind}-failover-behind`,
      fault: `${fault}; its replica got nothing for a second, and the edges not the last ${UNHEARD} messages`,
      demands: { lost: 'counted' },
      world,
      async run(world, random) {
        const pair = pairs.get(world)!;
        await world.feed.more(random.between(1, 10));
        await cutReplication(pair);
        await world.feed.forMs(BEHIND_MS);
        await publishUnheard(world, pair);
        const behind = (await newest(pair.firstUrl)) - (await newest(pair.secondUrl));
        lacked.set(world, behind);
        await pair.kill();
        for (const { program } of world.edges) program.signal('SIGCONT');
        if (behind < UNHEARD) throw new Error(`the replica lacked ${behind} messages`);
        await world.feed.forMs(AFTER_MS);
      },
      async check(world) {
        const { edges } = world;
        const counted = await world.metric(edges, 'flashcast_stream_gaps_total', 'outcome="lost"');
        return counted >= UNHEARD * edges.length ? [] : [`the edges counted ${counted} lost messages together`];
      },
      note: (world) => `the replica lacked ${lacked.get(world)} messages`,
    },
  ];
}

export const failoverRows: readonly Row[] = [
  ...failoversOf('sentinel', `kill -9 of the primary that ${SENTINELS} Sentinels watch`, startSentinel),
  ...failoversOf('cluster', "kill -9 of the Cluster's primary that owns the stream's slot", startCluster),
];
