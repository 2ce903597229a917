import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { type Pinged, PingWheel } from '../../../edge/front/ping-wheel.ts';
import { TestStall } from '../harness.ts';

class FakeClient implements Pinged {
  pingedAt = 0;
  pings: number[] = [];
  overdueAt: number | undefined;
  blocked = false;
  readonly #wheel: WheelOfTest;

  constructor(wheel: WheelOfTest) {
    this.#wheel = wheel;
  }
  ping(): boolean {
    if (!this.blocked) this.pings.push(this.#wheel.time);
    return !this.blocked;
  }
  pongOverdue(): void {
    this.overdueAt ??= this.#wheel.time;
  }
}

/** A wheel that turns when the test says so. */
class WheelOfTest {
  time = 1_000_000;
  readonly stall = new TestStall();
  readonly wheel: PingWheel;

  constructor(clientPingIntervalMs: number, clientPongTimeoutMs: number) {
    this.wheel = new PingWheel({ clientPingIntervalMs, clientPongTimeoutMs }, this.stall, () => this.time);
  }

  join(): FakeClient {
    const client = new FakeClient(this);
    this.wheel.add(client);
    return client;
  }

  turnFor(ms: number): void {
    for (const end = this.time + ms; this.time + this.wheel.tickMs <= end;) {
      this.time += this.wheel.tickMs;
      this.wheel.tick();
    }
  }
}

describe('ping wheel', () => {
  it('pings every client once per interval, spread over it', () => {
    const test = new WheelOfTest(15_000, 30_000);
    const clients = Array.from({ length: 10 * test.wheel.spokes }, () => test.join());
    const roundMs = test.wheel.spokes * test.wheel.tickMs;
    assert.ok(Math.abs(roundMs - 15_000) <= test.wheel.tickMs);
    test.turnFor(roundMs * 3);
    for (const client of clients) {
      assert.equal(client.pings.length, 3);
      assert.equal(client.pings[1]! - client.pings[0]!, roundMs);
    }
    const perTick = new Map<number, number>();
    for (const client of clients) perTick.set(client.pings[0]!, (perTick.get(client.pings[0]!) ?? 0) + 1);
    assert.equal(Math.max(...perTick.values()), 10);
  });

  it('ends clients that do not answer when the timeout has passed since the ping, within a tick', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 90_000 }), (interval, timeout) => {
        const test = new WheelOfTest(interval, timeout);
        const clients = Array.from({ length: 3 }, () => test.join());
        test.turnFor(interval * 2 + timeout * 2 + test.wheel.tickMs * 200);
        for (const client of clients) {
          assert.ok(client.overdueAt !== undefined);
          const lateMs = client.overdueAt - client.pings[0]! - timeout;
          const roundMs = test.wheel.spokes * test.wheel.tickMs;
          // A timeout below a tick is looked at a whole round later at most.
          const slackMs = timeout < test.wheel.tickMs ? roundMs : test.wheel.tickMs;
          assert.ok(lateMs >= -test.wheel.tickMs && lateMs <= slackMs, `${lateMs} ms late`);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('leaves a client alone that answered, and one that could not be pinged', () => {
    const test = new WheelOfTest(1000, 500);
    const [answering, blocked] = [test.join(), test.join()];
    blocked.blocked = true;
    for (let second = 0; second < 10; second += 1) {
      test.turnFor(250);
      answering.pingedAt = 0;
      test.turnFor(250);
      answering.pingedAt = 0;
      test.turnFor(500);
      answering.pingedAt = 0;
    }
    assert.deepEqual([answering.overdueAt, blocked.overdueAt], [undefined, undefined]);
    assert.ok(answering.pings.length >= 9);
  });

  it('counts no time in which the process stood still', () => {
    const test = new WheelOfTest(10, 500);
    test.wheel.start();
    const client = test.join();
    test.turnFor(10);
    assert.equal(client.pings.length, 1);
    test.time += 60_000;
    test.stall.stalled = true;
    test.turnFor(1000);
    assert.equal(client.overdueAt, undefined);
    for (const listener of test.stall.listeners) listener(test.time);
    test.stall.stalled = false;
    test.turnFor(480);
    assert.equal(client.overdueAt, undefined);
    test.turnFor(40);
    assert.equal(typeof client.overdueAt, 'number');
    test.wheel.stop();
    assert.equal(test.stall.listeners.size, 0);
  });

  it('forgets a client that was removed', () => {
    const test = new WheelOfTest(100, 100);
    const client = new FakeClient(test);
    test.wheel.remove(client, test.wheel.add(client));
    test.turnFor(1000);
    assert.deepEqual([client.pings.length, client.overdueAt], [0, undefined]);
  });

  it('takes any interval and timeout', () => {
    for (const interval of [1, 2, 5, 63, 64, 65, 2_147_483_647]) {
      for (const timeout of [1, 3, 2_147_483_647]) {
        const { wheel } = new WheelOfTest(interval, timeout);
        assert.ok(wheel.tickMs >= 1 && wheel.tickMs <= 2_147_483_647 && wheel.spokes >= 1 && wheel.spokes <= 64);
        wheel.tick();
      }
    }
  });
});
