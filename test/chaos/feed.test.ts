import assert from 'node:assert/strict';
import { Random } from '../../tools/simulate/random.ts';
import { readFlashblockHead } from '../../shared/flashblock.ts';
import { BaseNodeFleet } from '../support/base-node-fleet.ts';
import { usesResources } from '../support/use.ts';
import { Feed, type FeedFaults } from './feed.ts';

const NONE: FeedFaults = { skip: 0, repeat: 0, reorder: 0 };
const COUNT = 24;

describe('chaos: the feed', () => {
  const use = usesResources();

  function start({ seed = 1, small = true } = {}): Promise<Feed> {
    const random = new Random(seed);
    return Feed.start({ builders: 2, everyMs: 1000, startBlock: 500, resumes: false, small, random }).then(use);
  }

  /** What a client of the second builder gets, as places in the truth. */
  async function placesOf(faults: Partial<FeedFaults>, atLeast: number): Promise<number[]> {
    const feed = await start();
    const [, faulty] = feed.builders;
    const fleet = use(await BaseNodeFleet.connect({ nodes: 1, url: () => feed.urls[1]! }));
    faulty!.faults = { ...NONE, ...faults };
    const json = Array.from({ length: COUNT }, (_, at) => {
      return feed.chain.message({ blockNumber: 500 + Math.floor(at / 11), index: at % 11 });
    });
    for (const one of json) faulty!.publish(one);
    faulty!.faults = NONE;
    const end = feed.chain.message({ blockNumber: 600, index: 0 });
    faulty!.publish(end);
    const isEnd = (number: number): boolean => fleet.table.messages[number]!.plain.equals(end);
    await fleet.changes.until(() => fleet.nodes[0]!.received.some(isEnd), 'the end');
    const { received } = fleet.nodes[0]!;
    assert.ok(received.length >= atLeast);
    return received
      .filter((number) => !isEnd(number))
      .map((number) => json.findIndex((one) => one.equals(fleet.table.messages[number]!.plain)));
  }

  it('publishes one chain at every builder, in order, and writes down what it published', async () => {
    const feed = await start();
    const fleet = use(await BaseNodeFleet.connect({ nodes: 2, url: ({ number }) => feed.urls[number]! }));
    for (let at = 0; at < COUNT; at++) {
      feed.publish();
      await fleet.received(at + 1);
    }
    const expected = Array.from({ length: COUNT }, (_, at) => at);
    for (const { received } of fleet.nodes) assert.deepEqual(received, expected);
    assert.deepEqual(
      feed.truth.entries.map(({ contentHash }) => contentHash),
      fleet.table.messages.map(({ contentHash }) => contentHash),
    );
    const positions = fleet.table.messages.map(({ plain }) => readFlashblockHead(plain)?.position);
    assert.deepEqual(
      feed.truth.entries.map(({ position }) => position),
      positions,
    );
  });

  it('skips', async () => {
    const places = await placesOf({ skip: 0.3 }, 5);
    assert.ok(places.length < COUNT);
    assert.deepEqual(
      places,
      [...new Set(places)].sort((a, b) => a - b),
    );
  });

  it('repeats', async () => {
    const places = await placesOf({ repeat: 0.3 }, COUNT + 2);
    assert.equal(new Set(places).size, COUNT);
    assert.ok(places.length > COUNT);
  });

  it('sends behind the next one, and nothing twice or never', async () => {
    const places = await placesOf({ reorder: 0.3 }, COUNT);
    assert.notDeepEqual(
      places,
      [...places].sort((a, b) => a - b),
    );
    assert.deepEqual(
      [...places].sort((a, b) => a - b),
      Array.from({ length: COUNT }, (_, at) => at),
    );
    for (const [at, place] of places.entries()) assert.ok(Math.abs(at - place) <= 1);
  });

  it('does the same for the same seed', async () => {
    const [one, two, other] = await Promise.all([5, 5, 6].map((seed) => start({ seed, small: false })));
    for (const feed of [one!, two!, other!]) for (let at = 0; at < 3; at++) feed.publish();
    const hashes = (feed: Feed) => feed.truth.entries.map(({ contentHash }) => contentHash);
    assert.deepEqual(hashes(one!), hashes(two!));
    assert.notDeepEqual(hashes(one!), hashes(other!));
  });
});
