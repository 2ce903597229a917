import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Order, Word } from '../../../bin/workers/messages.ts';
import { PlacePool, type PlaceTaker } from '../../../bin/workers/place-pool.ts';
import { WorkerPlaces } from '../../../bin/workers/worker-places.ts';
import { settle } from '../../edge/limits/fake-clock.ts';

type PlacesWord = Extract<Word, { kind: 'places' }>;
type Granted = Extract<Order, { kind: 'granted' }>;

/** A worker whose messages to and from the pool arrive when the test says so. */
class SlowWorker implements PlaceTaker {
  readonly places: WorkerPlaces;
  readonly words: PlacesWord[] = [];
  readonly orders: Granted[] = [];
  readonly flushes: (() => void)[] = [];
  held = 0;
  refused = 0;

  constructor() {
    this.places = new WorkerPlaces(
      (word) => this.words.push(word),
      (flush) => this.flushes.push(flush),
    );
  }

  send(order: Granted): void {
    this.orders.push(order);
  }

  take(): void {
    void this.places.take().then((had) => {
      if (had) this.held += 1;
      else this.refused += 1;
    });
  }

  release(): void {
    if (this.held === 0) return;
    this.held -= 1;
    this.places.release();
  }

  /** Moves one message on; nothing where none waits. */
  async move(pool: PlacePool): Promise<void> {
    this.flushes.shift()?.();
    const word = this.words.shift();
    if (word !== undefined) pool.turn(this, word.freed, word.wanted);
    const order = this.orders.shift();
    if (order !== undefined) this.places.granted(order.places);
    await settle();
  }

  get busy(): boolean {
    return this.flushes.length + this.words.length + this.orders.length > 0;
  }
}

describe('the places of a group', () => {
  it('are never more than the limit, lost to nobody, and all given out in the end, in any order of events', async () => {
    const event = fc.record({ worker: fc.nat(2), what: fc.constantFrom('take', 'take', 'release', 'move', 'move') });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(event, { maxLength: 60 }), async (limit, events) => {
        const pool = new PlacePool(limit);
        const workers = [new SlowWorker(), new SlowWorker(), new SlowWorker()];
        const held = (): number => workers.reduce((sum, worker) => sum + worker.held, 0);
        for (const { worker: index, what } of events) {
          const worker = workers[index]!;
          if (what === 'move') await worker.move(pool);
          else if (what === 'take') worker.take();
          else worker.release();
          assert.ok(held() <= limit);
          assert.ok(pool.taken <= limit && pool.taken >= held());
        }
        while (workers.some(({ busy }) => busy)) for (const worker of workers) await worker.move(pool);
        assert.equal(pool.taken, held());
        const free = limit - held();
        for (let n = 0; n < free + 2; n += 1) workers[n % 3]!.take();
        const refused = workers.reduce((sum, worker) => sum + worker.refused, 0);
        while (workers.some(({ busy }) => busy)) for (const worker of workers) await worker.move(pool);
        assert.equal(held(), limit);
        assert.equal(workers.reduce((sum, worker) => sum + worker.refused, 0) - refused, 2);
      }),
      { numRuns: 200 },
    );
  });

  it('are free again when the worker that had them is gone, and a late word of it changes nothing', () => {
    const pool = new PlacePool(3);
    const [gone, other] = [new SlowWorker(), new SlowWorker()];
    pool.turn(gone, 0, 5);
    assert.deepEqual(gone.orders, [{ kind: 'granted', places: 3 }]);
    pool.turn(other, 0, 1);
    assert.deepEqual(other.orders, [{ kind: 'granted', places: 0 }]);
    pool.gone(gone);
    pool.turn(gone, 3, 0);
    assert.equal(pool.taken, 0);
    pool.turn(other, 0, 9);
    assert.equal(pool.taken, 3);
  });

  it('are asked for in one message for all that wait, and again when that is answered', async () => {
    const worker = new SlowWorker();
    for (let n = 0; n < 100; n += 1) worker.take();
    worker.flushes.shift()!();
    assert.deepEqual(worker.words, [{ kind: 'places', freed: 0, wanted: 100 }]);
    for (let n = 0; n < 50; n += 1) worker.take();
    worker.places.granted(60);
    await settle();
    assert.deepEqual([worker.held, worker.refused], [60, 40]);
    worker.release();
    worker.flushes.shift()!();
    assert.deepEqual(worker.words.at(-1), { kind: 'places', freed: 1, wanted: 50 });
    assert.equal(worker.words.length, 2);
  });
});
