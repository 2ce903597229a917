import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { Writer, drafts, results, startPublisher, startSource } from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { openRedis, type SharedRedis } from '../../../support/redis.ts';

/** A long line to a Redis: every byte comes later by the same time, in both directions, and nothing waits for another. */
class LongLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(redisUrl: string, delayMs: number) {
    const { hostname, port } = new URL(redisUrl);
    this.#server = createServer((client) => {
      const target = connect({ host: hostname, port: Number(port === '' ? 6379 : port) });
      for (const [from, to] of [
        [client, target],
        [target, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.on('data', (chunk) => {
          const timer = setTimeout(() => {
            this.#timers.delete(timer);
            to.write(chunk);
          }, delayMs);
          this.#timers.add(timer);
        });
      }
    });
  }

  async listen(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }
}

describe('a backplane whose Redis is slow', function () {
  this.timeout(30_000);
  let redis: SharedRedis;
  let harness: RedisHarness;
  let line: LongLine | undefined;

  before(async () => {
    redis = await openRedis();
  });
  after(() => (redis as SharedRedis | undefined)?.close());
  afterEach(async () => {
    await harness.close();
    await line?.close();
  });

  for (const delayMs of [200, 800]) {
    it(`publishes and follows in order, and loses no connection, over ${delayMs} ms in each direction`, async () => {
      harness = new RedisHarness(redis.url);
      line = new LongLine(redis.url, delayMs);
      const far = harness.through(await line.listen());
      const source = far.source();
      const [publisher, recorder] = await Promise.all([startPublisher(far.publisher()), startSource(source)]);
      const changes: boolean[] = [];
      publisher.onAvailable((available) => changes.push(available));
      const writer = new Writer(publisher);
      const numbers: number[] = [];
      for (let from = 0; from < 40; from += 10) {
        for (const result of results(await writer.publish(...drafts(10, from)))) numbers.push(Number(result));
      }
      const all = Array.from({ length: 40 }, (_, at) => at + 1);
      assert.deepEqual(numbers, all);
      assert.deepEqual(
        (await recorder.messages(40)).map(({ sequence }) => sequence),
        all,
      );
      assert.equal((await source.readAfter(0)).envelopes.length, 40);
      assert.deepEqual([changes, recorder.availability], [[true], [true]]);
      assert.doesNotMatch(harness.logs.text, /does not answer/);
    });
  }
});
