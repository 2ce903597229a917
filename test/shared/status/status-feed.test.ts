import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import type { Check } from '../../../shared/operations/check.ts';
import { MAX_BATCH } from '../../../shared/status/flashblock-batch.ts';
import { Model } from '../../../shared/status/page/model.ts';
import { type FeedEvent, HISTORY_SECONDS, StatusFeed } from '../../../shared/status/status-feed.ts';
import { arrival, flashblocksOf, message, secondsOf, virtualTime } from './support.ts';

const OPTIONS = { program: 'edge', id: 'one', version: '1.2.3', stream: { port: 8545, secure: false } } as const;

function create(checks: readonly Check[] = [{ name: 'ring', ok: true }]) {
  const clock = virtualTime();
  const registry = new Registry();
  const metrics = createEdgeMetrics(registry);
  const feed = new StatusFeed(OPTIONS, { metrics: registry, checks: () => checks, ...clock.deps });
  feed.start();
  const events: FeedEvent[] = [];
  const { time, timers, fire } = clock;
  return { time, timers, fire, feed, metrics, events, listen: () => feed.listen((event) => events.push(event)) };
}

describe('status: the feed', () => {
  it('gives everything that is remembered', async () => {
    const { feed, metrics, time } = create();
    metrics.activeConnections.set(2);
    feed.message(message(7, 0));
    feed.first(arrival(0, 0));
    feed.behind(arrival(1, 0), 2);
    time.now = 400;
    await feed.second();
    const snapshot = feed.snapshot();
    assert.deepEqual(
      [snapshot.program, snapshot.id, snapshot.version, snapshot.stream, snapshot.startedAt, snapshot.now],
      ['edge', 'one', '1.2.3', OPTIONS.stream, 1_000_000, 1_000_400],
    );
    assert.equal(snapshot.blocks[0]?.flashblocks.length, 1);
    assert.deepEqual(snapshot.races[0]?.behind, [[1, 2]]);
    assert.equal(snapshot.seconds.length, 1);
    assert.deepEqual(snapshot.state, { ready: true, checks: [{ name: 'ring', ok: true }], newestAgeMs: 400 });
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot, 'it is plain JSON');
  });

  it('names each run of the process differently', () => {
    assert.notEqual(create().feed.snapshot().boot, create().feed.snapshot().boot);
  });

  it('tells of flashblocks ten times a second, and only where somebody listens', () => {
    const { feed, events, fire, listen } = create();
    feed.message(message(7, 0));
    const end = listen();
    fire(100);
    assert.deepEqual(events, []);
    feed.message(message(7, 1), 2);
    feed.first(arrival(0, 1));
    fire(100);
    fire(100);
    const [told, ...more] = flashblocksOf(events);
    assert.deepEqual(more, []);
    assert.deepEqual([told?.flashblocks[0]?.index, told?.flashblocks[0]?.lostBefore], [1, 2]);
    assert.equal(told?.races.length, 1);
    end();
    feed.message(message(7, 2));
    fire(100);
    assert.equal(flashblocksOf(events).length, 1);
  });

  it('lets no flashblock of a burst look missing to a page', () => {
    const { feed, events, fire, listen } = create();
    feed.message(message(7, 0));
    const page = new Model(feed.snapshot());
    listen();
    for (let number = 1; number < 2 * MAX_BATCH; number += 1)
      feed.message(message(7 + Math.floor(number / 11), number % 11));
    fire(100);
    const [told] = flashblocksOf(events);
    assert.equal(told?.flashblocks.length, MAX_BATCH);
    page.add(told);
    assert.deepEqual(page.blocks, feed.snapshot().blocks);
    feed.message(message(30, 0));
    fire(100);
    assert.equal(flashblocksOf(events)[1]?.blocks, undefined, 'it is told once');
  });

  it('says where the stream is in a block of more flashblocks than are kept', () => {
    const { feed, events, fire, listen } = create();
    const page = new Model(feed.snapshot());
    listen();
    for (let index = 0; index < 100; index += 1) {
      feed.message(message(7, index));
      fire(100);
    }
    for (const event of flashblocksOf(events)) page.add(event);
    assert.equal(page.newest?.index, 99);
  });

  it('tells of each second, with what happened in it', async () => {
    const { feed, events, metrics, listen } = create();
    listen();
    await feed.second();
    metrics.streamGaps.inc({ outcome: 'lost' }, 3);
    await feed.second();
    assert.deepEqual(
      secondsOf(events).map(({ incidents }) => incidents.map(({ text }) => text)),
      [[], ['3 messages of the stream lost']],
    );
    assert.equal(feed.snapshot().incidents.length, 1);
  });

  it(`remembers ${HISTORY_SECONDS} seconds`, async () => {
    const { feed, time } = create();
    for (let second = 0; second < HISTORY_SECONDS + 50; second += 1) {
      time.now = second * 1000;
      await feed.second();
    }
    const { seconds } = feed.snapshot();
    assert.deepEqual([seconds.length, seconds[0]?.at], [HISTORY_SECONDS, 1_050_000]);
    assert.ok(JSON.stringify(feed.snapshot()).length < 262_144, 'a whole snapshot stays small');
  });

  it('takes what is no flashblock for a sign of life', () => {
    const { feed, time } = create();
    const { receivedAtMs } = message(7, 0);
    const raw = { receivedAtMs, plainLength: 3, payloadEncoding: 'plain', restart: false } as const;
    assert.equal(feed.snapshot().state.newestAgeMs, null);
    feed.message(raw);
    time.now = 30;
    assert.deepEqual([feed.snapshot().state.newestAgeMs, feed.snapshot().blocks], [30, []]);
  });

  it('leaves no timer open and tells nothing once it is stopped', async () => {
    const { feed, events, timers, listen } = create();
    listen();
    const reading = feed.second();
    feed.stop();
    feed.stop();
    await reading;
    await feed.second();
    assert.deepEqual([timers.size, events], [0, []]);
  });
});
