import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Drain, type Drained } from '../../../edge/front/drain.ts';

class FakeFront implements Drained<string> {
  clients: string[];
  refusing = false;
  destroyed = false;
  blockEnd = false;
  blockTime: number | undefined;
  readonly closed: string[] = [];

  closedCount(): number {
    return this.closed.length;
  }

  constructor(count: number) {
    this.clients = Array.from({ length: count }, (_, n) => `client ${n}`);
  }

  refuse(): void {
    this.refusing = true;
  }
  close(client: string): void {
    this.closed.push(client);
  }
  destroyAll(): void {
    this.destroyed = true;
    this.clients = [];
  }
  atBlockEnd(): boolean {
    return this.blockEnd;
  }
  blockTimeMs(): number | undefined {
    return this.blockTime;
  }
}

const drains: Drain<string>[] = [];

function setUp(front: FakeFront, drainDelayMs = 2000, drainTimeoutMs = 22_000) {
  let time = 5000;
  const drain = new Drain(front, { drainDelayMs, drainTimeoutMs }, () => time);
  drains.push(drain);
  const at = (elapsedMs: number): void => {
    time = 5000 + elapsedMs;
    drain.tick();
  };
  let over = false;
  void drain.over.then(() => (over = true));
  return { drain, at, isOver: async () => (await Promise.resolve(), over) };
}

describe('drain', () => {
  afterEach('end the drains', () => {
    for (const drain of drains.splice(0)) drain.end();
  });

  it('accepts for the delay, then refuses and closes evenly, and is over when the last has left', async () => {
    const front = new FakeFront(10);
    const { drain, at, isOver } = setUp(front);
    drain.begin();
    at(1999);
    assert.deepEqual([front.refusing, front.closedCount()], [false, 0]);
    front.clients.push('late client');
    at(2000);
    assert.deepEqual([front.refusing, front.closedCount()], [true, 1]);
    for (let elapsedMs = 2020; elapsedMs <= 2000 + 9500; elapsedMs += 20) at(elapsedMs);
    assert.equal(front.closedCount(), 6);
    at(21_000);
    assert.deepEqual(front.closed, [...front.clients]);
    assert.equal(await isOver(), false);
    front.clients = [];
    at(21_001);
    assert.equal(await isOver(), true);
  });

  it('is over at once after the delay when there are no clients, and not before', async () => {
    const front = new FakeFront(0);
    const { drain, at, isOver } = setUp(front);
    drain.begin();
    at(1999);
    assert.equal(await isOver(), false);
    at(2000);
    assert.equal(await isOver(), true);
    assert.equal(front.refusing, true);
  });

  it('destroys what is left at the timeout', async () => {
    const front = new FakeFront(3);
    const { drain, at, isOver } = setUp(front);
    drain.begin();
    at(2000);
    at(22_000);
    assert.deepEqual([front.destroyed, await isOver()], [true, true]);
  });

  it('closes those that are due at a block end, and those that waited too long without one', () => {
    const front = new FakeFront(100);
    front.blockTime = 2000;
    const { drain, at } = setUp(front);
    drain.begin();
    at(3000);
    assert.equal(front.closedCount(), 0);
    front.blockEnd = true;
    at(4000);
    const atBlockEnd = front.closedCount();
    assert.ok(atBlockEnd > 5 && atBlockEnd < 20);
    front.blockEnd = false;
    at(5000);
    assert.equal(front.closedCount(), atBlockEnd);
    at(8000);
    assert.ok(front.closedCount() > atBlockEnd);
    assert.equal(new Set(front.closed).size, front.closedCount());
  });

  it('closes at most 1.5 times the even rate within 4 s, however the blocks end, and all in time', () => {
    const blocks = fc.array(fc.integer({ min: 80, max: 120 }), { minLength: 150, maxLength: 150 });
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 2200 }),
        fc.integer({ min: 1, max: 3000 }),
        blocks,
        (blockMs, total, jitter) => {
          const front = new FakeFront(total);
          front.blockTime = blockMs;
          const { drain, at } = setUp(front, 2000, 25_000);
          drain.begin();
          const ends: number[] = [];
          for (const percent of jitter) ends.push((ends.at(-1) ?? 0) + (blockMs * percent) / 100);
          const closedAt: number[] = [];
          for (let elapsedMs = 2000; elapsedMs <= 24_000; elapsedMs += 20) {
            // The next block's first frame comes a tenth of a block after the last one of the block before.
            front.blockEnd = ends.some((end) => elapsedMs >= end && elapsedMs < end + blockMs / 10);
            at(elapsedMs);
            while (closedAt.length < front.closedCount()) closedAt.push(elapsedMs);
          }
          assert.equal(front.closedCount(), total);
          const most = Math.ceil((1.5 * total * 4000) / 23_000);
          let first = 0;
          for (const [at, time] of closedAt.entries()) {
            while (time - closedAt[first]! >= 4000) first += 1;
            assert.ok(at - first + 1 <= most, `${at - first + 1} of ${total} within 4 s before ${time}`);
          }
          drain.end();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('can be ended at any time, and more than once', async () => {
    const front = new FakeFront(3);
    const { drain, isOver } = setUp(front);
    drain.begin();
    drain.end();
    drain.end();
    assert.deepEqual([front.destroyed, await isOver()], [true, true]);
  });
});
