import assert from 'node:assert/strict';
import { startOwnRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { redisOrigin } from '../support/redis.ts';
import { startEdge, startIngest, type Server } from '../support/stack.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { usesResources } from '../support/use.ts';

/** Messages per second are what counts here; 20 are four times a usual stream. */
const EVERY_MS = 50;
/** How long the stream may take to go on once Redis is back. */
const RECOVERY_MS = 2000;

describe('black box: the stream over Redis', function () {
  this.timeout(60_000);
  const use = usesResources();

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });

  async function fleet(
    redisUrl: string,
    { ingests = 1, edgeRedisUrl = redisUrl } = {},
  ): Promise<{ builder: TestBuilder; ingests: Server[]; edge: Server; swarm: ClientSwarm; stream: PacedStream }> {
    const builder = use(await TestBuilder.start());
    const edge = use(await startEdge(edgeRedisUrl));
    const started: Server[] = [];
    for (let at = 0; at < ingests; at++) started.push(use(await startIngest([builder.url], redisUrl)));
    await Promise.all([edge, ...started].map((server) => server.ready()));
    await builder.connected(ingests);
    const swarm = use(await ClientSwarm.connect({ port: edge.port, clients: 20 }));
    const stream = use(new PacedStream(builder, EVERY_MS));
    await swarm.received(10);
    return { builder, ingests: started, edge, swarm, stream };
  }

  /** Waits for the newest message at every client, then compares. */
  async function expectWholeStream(swarm: ClientSwarm, stream: PacedStream): Promise<void> {
    stream.stop();
    await swarm.received(stream.sent.length);
    for (const client of swarm.clients) {
      assert.equal(client.closed, false);
      assert.deepEqual(client.positions, stream.sent);
    }
  }

  it('survives the death of Redis under load: clients stay, the stream goes on, what is lost is counted', async () => {
    const redis = use(await startOwnRedis());
    const { ingests, edge, swarm, stream } = await fleet(redis.url);
    await redis.kill();
    await stream.sentMore(20);
    await redis.restart();
    const back = performance.now();
    const last = (): string | undefined => swarm.clients[0]!.positions.at(-1);
    const before = stream.sent.length;
    await swarm.changes.until(() => stream.sent.indexOf(last() ?? '') >= before, 'a message sent after the return');
    const tookMs = performance.now() - back;
    assert.ok(tookMs < RECOVERY_MS, `it took ${tookMs} ms`);

    await stream.sentMore(5);
    stream.stop();
    const newest = stream.sent.at(-1);
    await swarm.changes.until(() => swarm.clients.every(({ positions }) => positions.at(-1) === newest), 'the newest');
    const lost = stream.sent.filter((position) => !swarm.clients[0]!.positions.includes(position));
    for (const client of swarm.clients) {
      assert.equal(client.closed, false);
      assert.deepEqual(
        client.positions,
        stream.sent.filter((position) => !lost.includes(position)),
      );
    }
    const counted =
      (await edge.metric('flashcast_stream_gaps_total', 'outcome="lost"')) +
      (await ingests[0]!.metric('flashcast_publish_dropped_total'));
    assert.ok(counted >= lost.length, `${lost.length} lost (${lost.join(' ')}), ${counted} counted`);
  });

  it('loses, repeats and reorders nothing while one of two ingests is paused for 5 s, nor when one is killed', async () => {
    const redis = use(await startOwnRedis());
    const { ingests, swarm, stream } = await fleet(redis.url, { ingests: 2 });
    const [one, two] = ingests;
    one!.program.signal('SIGSTOP');
    await stream.sentMore(5000 / EVERY_MS);
    one!.program.signal('SIGCONT');
    await stream.sentMore(20);
    two!.program.signal('SIGKILL');
    await two!.program.exit;
    await stream.sentMore(20);
    await expectWholeStream(swarm, stream);
  });

  it('catches up when the edge and Redis did not hear each other for a while', async () => {
    const redis = use(await startOwnRedis());
    const relay = use(await TcpProxy.start({ host: new URL(redis.url).hostname, port: redis.port }));
    const { edge, swarm, stream } = await fleet(redis.url, { edgeRedisUrl: `redis://127.0.0.1:${relay.port}` });
    relay.blackhole(true);
    await stream.sentMore(3000 / EVERY_MS);
    relay.blackhole(false);
    await stream.sentMore(10);
    await expectWholeStream(swarm, stream);
    assert.equal(await edge.metric('flashcast_stream_gaps_total', 'outcome="lost"'), 0);
  });

  it('catches up when connections to Redis are cut again and again', async () => {
    const redis = use(await startOwnRedis());
    const relay = use(await TcpProxy.start({ host: new URL(redis.url).hostname, port: redis.port }));
    const url = `redis://127.0.0.1:${relay.port}`;
    const { edge, swarm, stream } = await fleet(url);
    for (let times = 0; times < 5; times++) {
      relay.cut();
      await stream.sentMore(7);
    }
    await expectWholeStream(swarm, stream);
    assert.equal(await edge.metric('flashcast_stream_gaps_total', 'outcome="lost"'), 0);
  });

  it('serves an edge that starts late from the history', async () => {
    const redis = use(await startOwnRedis());
    const { swarm, stream } = await fleet(redis.url);
    await stream.sentMore(10);
    const late = use(await startEdge(redis.url));
    await late.ready();
    const status = JSON.parse(await late.page('/status.json')) as { ringMessages: number };
    assert.ok(status.ringMessages >= 20, `${status.ringMessages} messages in its ring`);
    const [client] = await swarm.add({ port: late.port, clients: 1 });
    await stream.sentMore(10);
    stream.stop();
    const newest = stream.sent.at(-1);
    await swarm.changes.until(() => client!.positions.at(-1) === newest, 'the newest');
    assert.deepEqual(client!.positions, stream.sent.slice(-client!.positions.length));
  });
});
