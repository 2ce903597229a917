import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { Fanout, SLICE_WRITES } from '../../../edge/fanout/fanout.ts';
import type { LagLimits } from '../../../edge/fanout/limits.ts';
import { ringCodec } from '../../../edge/ring-codec.ts';
import { createRing } from '../../../edge/stream/ring.ts';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../../shared/metrics/encoding-metrics.ts';
import { TestStall, samplesOf } from '../harness.ts';
import { envelopeOf } from '../stream/envelopes.ts';
import { FakeClient } from './fake-clients.ts';

const LIMITS: LagLimits = { messageBufferSize: 20, clientQueueBytes: 1_000_000, clientSendTimeoutMs: 1000 };

class Setup {
  readonly registry = new Registry();
  readonly metrics = createEdgeMetrics(this.registry);
  readonly stall = new TestStall();
  readonly ring;
  readonly fanout: Fanout<FakeClient>;
  time = 10_000;
  sequence = 0;

  constructor(limits: Partial<LagLimits> = {}, streamMaxMessages = 256) {
    this.ring = createRing(
      { streamMaxMessages, streamMaxBytes: 100_000_000 },
      { codec: ringCodec, metrics: createEncodingMetrics(this.registry), onUndecodable: () => undefined },
    );
    this.fanout = new Fanout<FakeClient>(
      { ...LIMITS, ...limits },
      {
        ring: this.ring,
        metrics: this.metrics,
        stall: this.stall,
        now: () => this.time,
        wallNow: () => 1_700_000_000_000 + this.time,
      },
    );
  }

  join(cursor = this.ring.head): FakeClient {
    const client = new FakeClient('identity', cursor);
    this.fanout.add(client);
    return client;
  }

  deliver(fields: Parameters<typeof envelopeOf>[1] = {}): void {
    this.sequence += 1;
    const entry = this.ring.append({ envelope: envelopeOf(this.sequence, fields), lostBefore: 0 }, this.time);
    this.fanout.entry(entry);
  }

  async settled(): Promise<void> {
    while (!this.fanout.isSettled) await turn();
  }
}

/** Numbers of the messages that a client was written. */
function numbersOf(client: FakeClient): number[] {
  return client.socket.written.map((frame) => Number(/"n":"(\d+)"/.exec(frame.toString('latin1'))?.[1]));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

describe('fan-out', () => {
  it('writes to a slice of clients in the very call in which a message comes', () => {
    const setup = new Setup();
    const clients = range(1, SLICE_WRITES).map(() => setup.join());
    setup.deliver();
    assert.ok(clients.every((client) => client.socket.written.length === 1));
    assert.ok(setup.fanout.isSettled);
  });

  it('gives all clients of an encoding the same buffer', async () => {
    const setup = new Setup();
    const clients = range(1, 3).map(() => setup.join());
    setup.deliver();
    await setup.settled();
    const [first, second, third] = clients.map((client) => client.socket.written[0]);
    assert.ok(first !== undefined && first === second && second === third);
  });

  it('lets the event loop turn after each slice', async () => {
    const setup = new Setup();
    const clients = range(1, SLICE_WRITES * 3).map(() => setup.join());
    const served = () => clients.filter((client) => client.socket.written.length > 0).length;
    setup.deliver();
    const counts = [served()];
    while (!setup.fanout.isSettled) {
      await turn();
      counts.push(served());
    }
    assert.deepEqual(counts.slice(0, 3), [SLICE_WRITES, SLICE_WRITES * 2, SLICE_WRITES * 3]);
  });

  it('starts at another client each time, and at every one in the long run', async () => {
    const setup = new Setup();
    const order: FakeClient[] = [];
    const clients = range(1, 7).map(() => setup.join());
    for (const client of clients) {
      const write = client.socket.write.bind(client.socket);
      client.socket.write = (...args) => {
        order.push(client);
        return write(...args);
      };
    }
    const firsts: FakeClient[] = [];
    for (let round = 0; round < 35; round += 1) {
      order.length = 0;
      setup.time += 200;
      setup.deliver();
      await setup.settled();
      assert.equal(order.length, clients.length);
      firsts.push(order[0]!);
    }
    assert.ok(firsts.every((client, at) => client !== firsts[at - 1]));
    const counts = clients.map((client) => firsts.filter((first) => first === client).length);
    assert.ok(Math.min(...counts) >= 4 && Math.max(...counts) <= 6, `first served: ${counts.join(', ')}`);
  });

  it('gives every client every message once and in order, whatever blocks, joins and leaves between the slices', async () => {
    const action = fc.oneof(
      fc.constant({ type: 'deliver' } as const),
      fc.constant({ type: 'turn' } as const),
      fc.record({
        type: fc.constant('join' as const),
        count: fc.integer({ min: 1, max: 300 }),
        behind: fc.oneof(fc.constant(0), fc.nat({ max: 30 })),
      }),
      fc.record({ type: fc.constant('leave' as const), at: fc.nat() }),
      fc.record({ type: fc.constant('block' as const), at: fc.nat(), room: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ type: fc.constant('take' as const), at: fc.nat(), bytes: fc.integer({ min: 1, max: 60 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60 }), async (actions) => {
        const setup = new Setup();
        const joinedAt = new Map<FakeClient, number>();
        const left = new Set<FakeClient>();
        const pick = (at: number) => setup.fanout.clients[at % Math.max(setup.fanout.clients.length, 1)];
        for (const step of actions) {
          if (step.type === 'deliver') setup.deliver();
          else if (step.type === 'turn') await turn();
          else if (step.type === 'join') {
            const cursor = Math.max(setup.sequence - step.behind, 0);
            for (let n = 0; n < step.count; n += 1) joinedAt.set(setup.join(cursor), cursor + 1);
          } else {
            const client = pick(step.at);
            if (client === undefined) continue;
            if (step.type === 'block') client.socket.room = Math.min(client.socket.room, step.room);
            else if (step.type === 'take') client.socket.take(step.bytes);
            else {
              setup.fanout.remove(client);
              left.add(client);
            }
          }
        }
        for (const client of setup.fanout.clients) client.socket.take(Infinity);
        await setup.settled();
        for (const [client, first] of joinedAt) {
          const numbers = numbersOf(client);
          const last = left.has(client) ? first + numbers.length - 1 : setup.sequence;
          assert.deepEqual(numbers, range(first, last));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('misses nobody who moves in the list when another leaves between two slices', async () => {
    const setup = new Setup();
    const clients = range(1, SLICE_WRITES * 4).map(() => setup.join());
    setup.deliver();
    const served = clients.find((client) => client.socket.written.length === 1)!;
    assert.equal(clients.at(-1)!.socket.written.length, 0);
    setup.fanout.remove(served);
    await setup.settled();
    assert.ok(clients.every((client) => client.socket.written.length === 1));
  });

  it('catches a client up from its cursor to the head, a slice at a time', async () => {
    const setup = new Setup({}, 1000);
    for (let n = 0; n < SLICE_WRITES * 2 + 10; n += 1) setup.deliver();
    const client = setup.join(5);
    assert.equal(client.socket.written.length, 0);
    await turn();
    assert.equal(client.socket.written.length, SLICE_WRITES);
    assert.ok(client.catchingUp);
    await setup.settled();
    assert.deepEqual(numbersOf(client), range(6, setup.sequence));
    assert.equal(client.catchingUp, false);
  });

  it('delivers a message to everybody else before it goes on with a thousand that catch up', async () => {
    const setup = new Setup();
    let order: ('live' | 'behind')[] = [];
    const noted = (client: FakeClient): FakeClient => {
      const write = client.socket.write.bind(client.socket);
      client.socket.write = (...args) => {
        order.push(client.catchingUp ? 'behind' : 'live');
        return write(...args);
      };
      return client;
    };
    for (let n = 0; n < 60; n += 1) setup.deliver();
    const live = range(1, SLICE_WRITES * 3).map(() => noted(setup.join()));
    const behind = range(1, 1000).map(() => noted(setup.join(0)));
    assert.deepEqual(order, []);
    await turn();
    assert.deepEqual(order, Array(SLICE_WRITES).fill('behind'));

    for (let message = 61; message <= 63; message += 1) {
      order = [];
      setup.deliver();
      while (live.some((client) => client.socket.written.length < message - 60)) {
        assert.ok(!order.includes('behind'));
        await turn();
      }
      const written = order.length;
      await turn();
      await turn();
      assert.ok(order.length <= written + 2 * SLICE_WRITES && order.includes('behind'));
    }
    await setup.settled();
    for (const client of behind) assert.deepEqual(numbersOf(client), range(1, 63));
  });

  it('serves those that catch up a slice between two rounds that follow each other', async () => {
    const setup = new Setup();
    for (let n = 0; n < 20; n += 1) setup.deliver();
    const live = range(1, SLICE_WRITES + 1).map(() => setup.join());
    const behind = setup.join(0);
    setup.deliver();
    setup.deliver();
    await turn();
    assert.equal(behind.socket.written.length, 0);
    await turn();
    assert.deepEqual(numbersOf(behind), range(1, 22));
    assert.ok(live.some((client) => client.socket.written.length < 2));
    await setup.settled();
  });

  it('ends a slice of catch-ups after 2 ms, with one frame at least', async () => {
    const setup = new Setup();
    for (let n = 0; n < 10; n += 1) setup.deliver();
    const behind = [setup.join(0), setup.join(0)];
    for (const client of behind) {
      const write = client.socket.write.bind(client.socket);
      client.socket.write = (...args) => {
        setup.time += 3;
        return write(...args);
      };
    }
    await turn();
    assert.deepEqual(
      behind.map((client) => client.socket.written.length),
      [1, 0],
    );
    await setup.settled();
    for (const client of behind) assert.deepEqual(numbersOf(client), range(1, 10));
  });

  it('sends a held client nothing until it is released, then what is behind its cursor', async () => {
    const setup = new Setup();
    const client = new FakeClient();
    client.held = true;
    setup.fanout.add(client);
    for (let n = 0; n < 5; n += 1) setup.deliver();
    client.socket.room = 0;
    setup.fanout.writer.pong(client, Buffer.from('pong'));
    client.socket.take(Infinity);
    await setup.settled();
    assert.deepEqual(client.socket.written, [Buffer.from('pong')]);
    setup.fanout.release(client, 3);
    setup.deliver();
    await setup.settled();
    assert.deepEqual(numbersOf(client).slice(1), range(4, 6));
  });

  it('has nobody in the queue of catch-ups who left, blocks, or has the last message', async () => {
    const setup = new Setup();
    for (let n = 0; n < 5; n += 1) setup.deliver();
    const [gone, blocked, fine] = [setup.join(0), setup.join(0), setup.join(0)];
    blocked.socket.room = 0;
    setup.fanout.remove(gone);
    await turn();
    assert.ok(setup.fanout.isSettled);
    assert.deepEqual([gone.queued, blocked.queued, fine.queued], [false, false, false]);
    assert.deepEqual(
      [gone, blocked, fine].map((client) => client.socket.written.length),
      [0, 1, 5],
    );
    blocked.socket.take(Infinity);
    assert.equal(blocked.queued, true);
    await setup.settled();
    assert.deepEqual(numbersOf(blocked), range(1, 5));
  });

  it('writes nothing more to a blocked client until its socket is free, then goes on from its cursor', async () => {
    const setup = new Setup();
    const client = setup.join();
    client.socket.room = 5;
    for (let n = 0; n < 10; n += 1) setup.deliver();
    assert.equal(client.socket.written.length, 1);
    assert.ok(client.blocked && setup.fanout.writer.blocked.has(client));
    client.socket.take(Infinity);
    assert.deepEqual(numbersOf(client), range(1, 10));
    assert.equal(setup.fanout.writer.blocked.size, 0);
    await setup.settled();
  });

  it('ends a client whose next message has left the ring', () => {
    const setup = new Setup({ clientSendTimeoutMs: 1_000_000 }, 5);
    const [stuck, fine] = [setup.join(), setup.join()];
    stuck.socket.room = 5;
    for (let n = 0; n < 6; n += 1) setup.deliver();
    setup.fanout.lag.check();
    assert.equal(stuck.slowness, undefined);
    setup.deliver();
    setup.fanout.lag.check();
    assert.equal(stuck.slowness, 'fell_out');
    assert.equal(fine.socket.written.length, 7);
  });

  it('ends one that freed its socket too late with what it can still be told', () => {
    const setup = new Setup({}, 5);
    const stuck = setup.join();
    stuck.socket.room = 5;
    for (let n = 0; n < 8; n += 1) setup.deliver();
    stuck.socket.take(Infinity);
    assert.equal(stuck.slowness, 'fell_out');
    assert.equal(stuck.blocked, false);
  });

  describe('lag', () => {
    function stuckAt(setup: Setup, count: number, everyMs = 200): FakeClient {
      const client = setup.join();
      client.socket.room = 0;
      for (let n = 0; n < count; n += 1) {
        setup.deliver();
        setup.time += everyMs;
      }
      return client;
    }

    it('is time in which the socket took no byte', () => {
      const setup = new Setup();
      const client = stuckAt(setup, 1, 999);
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      client.socket.take(1);
      setup.fanout.lag.check();
      setup.time += 999;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      setup.time += 1;
      setup.fanout.lag.check();
      assert.equal(client.slowness, 'time');
    });

    it('is forgiven for time in which the process stood still', () => {
      const setup = new Setup();
      const client = stuckAt(setup, 1, 5000);
      setup.stall.stalled = true;
      setup.fanout.lag.check();
      setup.stall.stalled = false;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      setup.time += 10_000;
      setup.fanout.lag.check();
      assert.equal(client.slowness, 'time');
    });

    it('closes nobody for a burst, and gives ten times as long while clients catch up', async () => {
      const setup = new Setup();
      const client = stuckAt(setup, 60, 1);
      setup.time += 5000;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      client.socket.take(1);
      setup.fanout.lag.check();
      setup.time += 9_999;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      client.socket.take(Infinity);
      await setup.settled();
      assert.equal(client.socket.written.length, 60);
      assert.equal(client.catchingUp, false);
    });

    it('gives ten times as long also to clients that block in the middle of a burst', () => {
      const setup = new Setup();
      const client = setup.join();
      for (let n = 0; n < 30; n += 1) setup.deliver();
      client.socket.room = 5;
      setup.deliver();
      setup.time += 9_999;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
      setup.time += 1;
      setup.fanout.lag.check();
      assert.equal(client.slowness, 'time');
    });

    it('says what waits for the slowest client', () => {
      const setup = new Setup();
      stuckAt(setup, 2);
      const client = stuckAt(setup, 3);
      setup.join();
      assert.deepEqual(setup.fanout.lag.slowest(), { messages: 5, bytes: client.socket.written[0]!.length });
    });

    it('does not look at clients that are not blocked', () => {
      const setup = new Setup();
      const client = setup.join();
      setup.deliver();
      setup.time += 1_000_000;
      setup.fanout.lag.check();
      assert.equal(client.slowness, undefined);
    });
  });

  describe('pings', () => {
    const pong = (text: string) => Buffer.from(`pong ${text}`);

    it('are answered at once while the socket is free', () => {
      const setup = new Setup();
      const client = setup.join();
      setup.fanout.writer.pong(client, pong('1'));
      assert.deepEqual(client.socket.written, [pong('1')]);
    });

    it('are answered after the frame that blocks, the newest only, and before the next message', () => {
      const setup = new Setup();
      const client = setup.join();
      client.socket.room = 5;
      setup.deliver();
      for (const text of ['1', '2', '3']) setup.fanout.writer.pong(client, pong(text));
      setup.deliver();
      assert.equal(client.socket.written.length, 1);
      assert.equal(setup.fanout.writer.waitingBytes(client), client.socket.written[0]!.length - 5 + pong('3').length);
      client.socket.take(Infinity);
      assert.equal(client.socket.written.length, 3);
      assert.deepEqual(client.socket.written[1], pong('3'));
      assert.match(client.socket.written[2]!.toString(), /"n":"2"/);

      client.socket.room = 5;
      setup.deliver();
      client.socket.take(Infinity);
      assert.equal(client.socket.written.length, 4);
    });

    it('are not answered once the closing handshake has begun', () => {
      const setup = new Setup();
      const [free, blocked] = [setup.join(), setup.join()];
      blocked.socket.room = 5;
      setup.deliver();
      setup.fanout.writer.pong(blocked, pong('1'));
      for (const client of [free, blocked]) client.open = false;
      setup.fanout.writer.pong(free, pong('1'));
      blocked.socket.take(Infinity);
      assert.deepEqual([free.socket.written.length, blocked.socket.written.length], [1, 1]);
    });

    it('buy no lead: a message waits for its turn', async () => {
      const setup = new Setup();
      const clients = range(0, SLICE_WRITES).map(() => setup.join());
      setup.deliver();
      const unserved = clients.find((client) => client.socket.written.length === 0)!;
      setup.fanout.writer.pong(unserved, pong('1'));
      assert.deepEqual(unserved.socket.written, [pong('1')]);
      await setup.settled();
      assert.equal(unserved.socket.written.length, 2);
    });

    it('of the edge are not written to a blocked or a closing client', () => {
      const setup = new Setup();
      const [blocked, closing, free] = [setup.join(), setup.join(), setup.join()];
      blocked.socket.room = 0;
      closing.open = false;
      setup.deliver();
      const results = [blocked, closing, free].map((client) => setup.fanout.writer.ping(client, Buffer.from('ping')));
      assert.deepEqual(results, [false, false, true]);
      assert.deepEqual(
        [blocked, closing, free].map((client) => client.socket.written.length),
        [1, 0, 2],
      );
    });
  });

  describe('metrics', () => {
    it('count what was written, and what could not be', async () => {
      const setup = new Setup();
      const clients = [setup.join(), setup.join(), setup.join()];
      setup.deliver();
      clients[0]!.socket.errored = new Error('reset');
      setup.deliver();
      const lie = Buffer.from('no brotli');
      setup.deliver({ payload: lie, payloadEncoding: 'brotli', plainLength: 10 });
      const samples = await samplesOf(setup.registry);
      assert.equal(samples.get('websocket_proxy_sent_messages'), 5);
      assert.equal(samples.get('websocket_proxy_failed_messages'), 4);
      const frame = clients[1]!.socket.written[0]!.length;
      assert.equal(samples.get('websocket_proxy_bytes_broadcasted'), 5 * frame);
    });

    it('observe each slice, and each message once at its last write', async () => {
      const setup = new Setup();
      setup.deliver();
      assert.equal((await samplesOf(setup.registry)).get('flashcast_edge_fanout_seconds_count'), 0);
      for (let n = 0; n < SLICE_WRITES + 1; n += 1) setup.join();
      setup.time = 20_000;
      setup.deliver({ receivedAtMs: 1_700_000_019_000 });
      setup.time = 20_500;
      await setup.settled();
      const samples = await samplesOf(setup.registry);
      assert.equal(samples.get('websocket_proxy_message_send_duration_count'), 2);
      assert.equal(samples.get('flashcast_edge_fanout_seconds_count'), 1);
      assert.equal(samples.get('flashcast_edge_fanout_seconds_sum'), 0.5);
      assert.equal(samples.get('flashcast_end_to_end_seconds_sum'), 1.5);
    });
  });

  it('stops between two slices and starts nothing more', async () => {
    const setup = new Setup();
    const clients = range(1, SLICE_WRITES * 2).map(() => setup.join());
    setup.fanout.start();
    setup.deliver();
    setup.fanout.stop();
    setup.fanout.stop();
    await turn();
    await turn();
    assert.equal(clients.filter((client) => client.socket.written.length > 0).length, SLICE_WRITES);
    assert.equal(setup.stall.listeners.size, 0);
  });
});
