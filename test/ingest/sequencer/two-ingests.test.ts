import assert from 'node:assert/strict';
import fc from 'fast-check';
import { deliver, generateChain, Random, type Faults } from './chain-model.ts';
import { IngestModel, Simulation, StoreModel, type IngestFaults } from './store-model.ts';
import { assertClean, violationsOf } from './invariants.ts';
import { nameOf } from './support.ts';

/** What both ingests receive: each message from some upstream, in time for the ways to the store and back. */
const IN_TIME: Faults = {
  upstreams: 2,
  delayMs: 30,
  skip: 0.3,
  whole: true,
  replay: 0.1,
  rivals: 0.3,
  rivalDelayMs: [200, 900],
  absurd: 0.03,
};

/** Without replays each message is to go in once, so that whatever a paused ingest sends late shows. */
const ONCE: Faults = { ...IN_TIME, replay: 0 };

/** Runs two ingests on the same upstreams, each with deliveries of its own. */
function simulate(seed: number, faults: (random: Random, ingest: number) => IngestFaults, upstreamFaults = IN_TIME) {
  const random = new Random(seed);
  const chain = generateChain(random, { blocks: 10, frameMs: random.whole(60, 200) });
  const simulation = new Simulation();
  const store = new StoreModel();
  const ingests = [0, 1].map((number) => {
    const ingest = new IngestModel(`i${number}-`, simulation, store, faults(random, number), random);
    for (const delivery of deliver(chain, random, upstreamFaults)) ingest.deliver(delivery);
    return ingest;
  });
  return { chain, simulation, store, ingests };
}

function finish({ chain, simulation, store }: ReturnType<typeof simulate>) {
  simulation.run();
  const names = store.log.map(({ message }) => nameOf(message));
  const wanted = chain.map((link) => nameOf(link.as(0, 0)));
  return { names, wanted, log: store.log };
}

const isFlashblock = (name: string) => !name.startsWith('{');
const seed = fc.integer();
/** A span in the first seconds of a run. */
const span = (random: Random, ms: number) => {
  const from = random.whole(300, 4000);
  return [from, from + ms] as const;
};

describe('two ingests and a compare-and-append store', () => {
  it('publish one whole stream, whatever the interleaving', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const run = simulate(number, () => ({ latencyMs: 15 }));
        const { names, wanted, log } = finish(run);
        assert.deepEqual(names.filter(isFlashblock), wanted.filter(isFlashblock));
        assert.deepEqual([...new Set(names)].sort(), [...wanted].sort());
        assert.deepEqual(violationsOf(log), []);
        assertClean(log);
        assert.ok(run.ingests.every(({ waiting }) => waiting === 0));
      }),
      { numRuns: 60 },
    );
  });

  it('lose, repeat and reorder nothing when one is paused for seconds', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 100, max: 5000 }), (number, ms) => {
        const run = simulate(
          number,
          (random, ingest) => ({
            latencyMs: 15,
            ...(ingest === 0 && { pause: span(random, ms) }),
          }),
          ONCE,
        );
        const { names, wanted, log } = finish(run);
        assert.deepEqual(names.filter(isFlashblock), wanted.filter(isFlashblock));
        assert.deepEqual([...names].sort(), [...wanted].sort());
        assert.deepEqual(violationsOf(log), []);
        assertClean(log);
      }),
      { numRuns: 60 },
    );
  });

  it('lose, repeat and reorder nothing when one is killed', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const run = simulate(number, (random, ingest) => ({
          latencyMs: 15,
          ...(ingest === 0 && { killedAt: random.whole(0, 5000) }),
        }));
        const { names, wanted, log } = finish(run);
        assert.deepEqual(names.filter(isFlashblock), wanted.filter(isFlashblock));
        assert.deepEqual(violationsOf(log), []);
        assertClean(log);
      }),
      { numRuns: 60 },
    );
  });

  it('go on whole after the store was away, answers lost included', () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 50, max: 3000 }), (number, ms) => {
        const away = span(new Random(number), ms);
        const run = simulate(number, () => ({ latencyMs: 15, storeAway: away }), ONCE);
        const { names, wanted, log } = finish(run);
        assert.deepEqual(names.filter(isFlashblock), wanted.filter(isFlashblock));
        assert.equal(new Set(names).size, names.length);
        assert.deepEqual(violationsOf(log), []);
        assertClean(log);
      }),
      { numRuns: 60 },
    );
  });

  it('lose nothing when the store loses all it had; what goes in twice has the same bytes', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const run = simulate(number, () => ({ latencyMs: 15 }));
        run.simulation.at(new Random(number).whole(0, 4000), () => run.store.loseAll());
        const { wanted, log } = finish(run);
        const seen = new Set<string>();
        const delivered = log.filter(({ message }) => !seen.has(message.contentHash) && seen.add(message.contentHash));
        assert.deepEqual(
          delivered.map(({ message }) => nameOf(message)).filter(isFlashblock),
          wanted.filter(isFlashblock),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('only go back where they say so, and repeat nothing, under any faults at once', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const away = span(new Random(number), 800);
        const run = simulate(
          number,
          (random, ingest) => ({
            latencyMs: 60,
            storeAway: away,
            ...(ingest === 0 && { pause: span(random, 2000) }),
          }),
          { ...IN_TIME, delayMs: 1500, whole: false, rivals: 0.7, rivalDelayMs: [-200, 1200], replay: 0.3 },
        );
        assertClean(finish(run).log, 1000);
      }),
      { numRuns: 60 },
    );
  });
});
