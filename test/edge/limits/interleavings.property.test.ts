import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { openRedis, uniquePrefix, type SharedRedis } from '../../support/redis.ts';
import { settle } from './fake-clock.ts';
import { ModelBackend, ScriptBackend, type LeaseBackend } from './lease-backend.ts';
import { ADDRESSES, ADDRESS_LIMIT, APPLICATIONS, APPLICATION_LIMIT, LeaseWorld, TTL_MS } from './lease-world.ts';

const MODEL_RUNS = 600;
const REDIS_RUNS = 100;

const index = fc.nat(5);

type Step = readonly [what: string, at: number, more: number, other: number];

const ordinary = ['come', 'come', 'come', 'leave', 'carryOut', 'answer', 'deliver', 'elapse'];
const faults = ['cut', 'connect', 'connect', 'leftBehind', 'loseLeftBehind', 'kill', 'restart', 'elapseLong'];

const steps = (names: readonly string[], maxLength: number) =>
  fc.array(fc.tuple(fc.constantFrom(...names), index, index, index), { maxLength }) as fc.Arbitrary<Step[]>;

/** @param maxAgeMs what a lost connection left behind arrives within this, or never */
async function perform(world: LeaseWorld, [what, at, more, other]: Step, maxAgeMs = Infinity): Promise<void> {
  const process = world.process(at);
  switch (what) {
    case 'come':
      process.come(ADDRESSES[more % ADDRESSES.length]!, APPLICATIONS[other % APPLICATIONS.length]);
      break;
    case 'leave':
      process.leave(more);
      break;
    case 'carryOut':
      await process.store.carryOut(more + 1);
      break;
    case 'answer':
      process.store.answer(more + 1);
      break;
    case 'deliver':
      await world.deliver();
      break;
    case 'elapse':
      await world.elapse(more * 60);
      break;
    case 'elapseLong':
      await world.elapse((more * TTL_MS) / 4);
      break;
    case 'cut':
      process.store.cut();
      break;
    case 'connect':
      process.store.connect();
      break;
    case 'leftBehind':
      await process.store.carryOutLeftBehind(more + 1, maxAgeMs);
      break;
    case 'loseLeftBehind':
      process.store.loseLeftBehind();
      break;
    case 'kill':
      await world.kill(at);
      break;
    case 'restart':
      await world.restart();
      break;
    default:
      assert.fail(what);
  }
  await settle();
}

function suite(runs: number, backend: () => LeaseBackend): void {
  it('leaves no count behind, and holds exactly the clients that are there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('local' as const, 'open' as const, 'closed' as const),
        steps([...ordinary, ...faults], 80),
        async (count, limitFailMode, script) => {
          const world = new LeaseWorld(backend(), count, { limitFailMode });
          await world.start();
          for (const step of script) await perform(world, step);
          await world.carryOutLeftBehind(Infinity);
          // What a process left that died, or a command that arrived after any doubt, expires.
          await world.calm(2 * TTL_MS);
          await world.assertExact();
          await world.endAllClients();
          await world.assertExact();
          await world.backend.clear();
        },
      ),
      { numRuns: runs },
    );
  });

  it('is exact within one renewal, whatever answers were lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        steps([...ordinary, ...faults.filter((name) => name !== 'kill')], 60),
        async (count, script) => {
          const world = new LeaseWorld(backend(), count);
          await world.start();
          for (const step of script) await perform(world, step, TTL_MS);
          await world.calm(0);
          await world.carryOutLeftBehind(TTL_MS);
          await world.calm(TTL_MS / 3 + TTL_MS / 10);
          await world.assertHeld();
          await world.backend.clear();
        },
      ),
      { numRuns: runs },
    );
  });

  it('exceeds no limit as long as answers come in time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        steps(['come', 'come', 'come', 'leave', 'carryOut', 'carryOut', 'answer', 'deliver'], 80),
        async (count, script) => {
          const world = new LeaseWorld(backend(), count);
          await world.start();
          for (const step of script) {
            await perform(world, step);
            await assertWithinLimits(world);
          }
          await world.calm(TTL_MS);
          await assertWithinLimits(world);
          await world.assertExact();
          await world.backend.clear();
        },
      ),
      { numRuns: runs },
    );
  });
}

/** Clients that were let in. */
async function assertWithinLimits(world: LeaseWorld): Promise<void> {
  const admitted = world.processes.flatMap(({ clients }) => [...clients]).filter(({ lease }) => lease !== undefined);
  for (const address of ADDRESSES) {
    assert.ok(admitted.filter((client) => client.address === address).length <= ADDRESS_LIMIT);
    assert.ok((await world.backend.leases('address', address)).length <= ADDRESS_LIMIT);
  }
  for (const application of APPLICATIONS)
    if (application !== undefined)
      assert.ok(admitted.filter((client) => client.application === application).length <= APPLICATION_LIMIT);
}

describe('shared limits under any order of events', function () {
  this.timeout(120_000);

  describe('over a model of the scripts', () => {
    suite(MODEL_RUNS, () => new ModelBackend());
  });

  describe('over the scripts on a Redis', () => {
    let redis: SharedRedis;
    let client: Redis;
    before(async () => {
      redis = await openRedis();
      client = new Redis(redis.url);
    });
    after(async () => {
      client.disconnect();
      await redis.close();
    });
    suite(REDIS_RUNS, () => new ScriptBackend(client, uniquePrefix()));
  });
});
