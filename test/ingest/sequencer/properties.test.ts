import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import type { Decision, SequencerOptions } from '../../../ingest/sequencer/contract.ts';
import { deliver, generateChain, Random, type Delivery } from './chain-model.ts';
import { assertClean, violationsOf, type PublishedAt } from './invariants.ts';
import { Bench, describeDecision, nameOf } from './support.ts';

/** Runs deliveries through a sequencer, ticking when it asks for it, and looks after each call at what it holds. */
function run(deliveries: readonly Delivery[], options: Partial<SequencerOptions> = {}) {
  const bench = new Bench(options);
  const decisions: (Decision & { at: number })[] = [];
  const open = new Set<UpstreamMessage>();
  const take = (made: readonly Decision[], at: number) => {
    decisions.push(...made.map((decision) => ({ ...decision, at })));
    for (const { message } of made) open.delete(message);
    const bytes = [...open].reduce((sum, { content }) => sum + content.length, 0);
    assert.ok(open.size <= 64 && bytes <= 40_000, `${open.size} messages of ${bytes} bytes are held`);
  };
  const tickUntil = (at: number) => {
    for (let due = bench.sequencer.deadline(); due !== undefined && due <= at; due = bench.sequencer.deadline()) {
      take(bench.sequencer.tick(due), due);
    }
  };
  for (const { at, message } of deliveries) {
    tickUntil(at);
    open.add(message);
    take(bench.sequencer.receive(message, at), at);
  }
  tickUntil(Infinity);
  assert.equal(open.size, 0, 'every message has a decision in the end');
  return { decisions, published: decisions.filter((made): made is PublishedAt => made.action === 'publish'), bench };
}

const seed = fc.integer();
const upstreams = fc.integer({ min: 1, max: 3 });
/** Nothing arrives later than a hold lasts, and each message comes from somebody. */
const REPAIRABLE = {
  delayMs: 55,
  skip: 0.4,
  whole: true,
  replay: 0.2,
  rivals: 0.3,
  rivalDelayMs: [60, 900],
  absurd: 0.05,
} as const;
const WILD = {
  delayMs: 2500,
  skip: 0.3,
  whole: false,
  replay: 0.3,
  rivals: 0.6,
  rivalDelayMs: [-300, 1500],
  absurd: 0.1,
} as const;

describe('the sequence, whatever the upstreams do', () => {
  it('misses nothing that some upstream delivered within GAP_REPAIR_MS, repeats nothing and keeps the order', () => {
    fc.assert(
      fc.property(seed, upstreams, (number, count) => {
        const random = new Random(number);
        const chain = generateChain(random, { frameMs: random.whole(1, 200) });
        const { published } = run(deliver(chain, random, { ...REPAIRABLE, upstreams: count }));
        const names = published.map(({ message }) => nameOf(message));
        const wanted = chain.map((link) => nameOf(link.as(0, 0)));
        const isBlock = (name: string) => !name.startsWith('{');
        assert.deepEqual(names.filter(isBlock), wanted.filter(isBlock));
        assert.deepEqual([...new Set(names)].sort(), [...wanted].sort());
        assert.deepEqual(violationsOf(published), []);
        assert.ok(published.every(({ gap, restart, takeover }) => !gap && !restart && !takeover));
        assertClean(published);
      }),
      { numRuns: 200 },
    );
  });

  it('breaks these properties where nothing is held', () => {
    const broken = Array.from({ length: 20 }, (_, number) => {
      const random = new Random(number);
      const chain = generateChain(random, { frameMs: 20 });
      const deliveries = deliver(chain, random, { ...REPAIRABLE, upstreams: 2 });
      return violationsOf(run(deliveries, { gapRepairMs: 0 }).published).length;
    });
    assert.ok(broken.some((count) => count > 0));
  });

  it('only goes back where it says so, and repeats nothing, under any delay, loss, replay and rivalry', () => {
    fc.assert(
      fc.property(seed, upstreams, fc.boolean(), (number, count, previous) => {
        const random = new Random(number);
        const chain = generateChain(random, { previous, blocks: 12 });
        const { published } = run(deliver(chain, random, { ...WILD, upstreams: count }));
        assertClean(published);
        const jumps = published.filter(({ gap, restart, takeover }) => gap || restart || takeover).length;
        assert.ok(violationsOf(published).length <= jumps);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps its bounds under a flood of early frames', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const random = new Random(number);
        const chain = generateChain(random, { blocks: 40 });
        const flood = deliver(chain, random, { ...WILD, upstreams: 3 }).map(({ message }) => ({ at: 0, message }));
        assertClean(run(flood).published);
      }),
      { numRuns: 30 },
    );
  });

  it('ends each gap once', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const random = new Random(number);
        const { published, bench } = run(deliver(generateChain(random), random, { ...WILD, upstreams: 2 }));
        const lost = bench.gaps.filter(({ outcome }) => outcome === 'lost').length;
        assert.ok(lost >= published.filter(({ gap }) => gap).length);
        assert.ok(bench.gaps.length <= published.length + 200);
      }),
      { numRuns: 50 },
    );
  });

  it('gives the same decisions for the same calls', () => {
    fc.assert(
      fc.property(seed, (number) => {
        const random = new Random(number);
        const deliveries = deliver(generateChain(random), random, { ...WILD, upstreams: 3 });
        const words = () => run(deliveries).decisions.map(describeDecision);
        assert.deepEqual(words(), words());
      }),
      { numRuns: 20 },
    );
  });
});
