import { strict as assert } from 'node:assert';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import { Pipeline } from '../../../ingest/publish/pipeline.ts';
import { createSequencer } from '../../../ingest/sequencer/sequencer.ts';
import { BackplaneUnavailableError, type PublishRequest } from '../../../shared/backplane/backplane.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';
import { Random } from '../sequencer/chain-model.ts';
import { FaultyPublisher, FaultyStore } from './faulty-store.ts';
import { VirtualTime } from './virtual-time.ts';

const UPSTREAMS = ['a:80#0', 'b:80#1'];
const BOUNDS = { streamMaxMessages: 256, streamMaxBytes: 1e8, streamRetentionMs: 12_000 };

/** Keeps what was asked of it, and can fail to read the state. */
class WatchedPublisher extends FaultyPublisher {
  readonly requests: PublishRequest[] = [];
  readable = true;

  override publish(request: PublishRequest) {
    this.requests.push(request);
    return super.publish(request);
  }
  override readState() {
    return this.readable ? super.readState() : Promise.reject(new BackplaneUnavailableError('unreadable'));
  }
}

describe('what the publish pipeline tells of itself', () => {
  let time: VirtualTime;
  let store: FaultyStore;
  beforeEach(() => {
    time = new VirtualTime();
    store = new FaultyStore(time, BOUNDS);
  });
  afterEach(() => time.end());

  function setUp(ingestId = 'a') {
    const registry = new Registry();
    const publisher = new WatchedPublisher(store, new Random(1), 0);
    const lines: Record<string, unknown>[] = [];
    const pipeline = new Pipeline(
      {
        ingestId,
        publishBufferMessages: 4,
        publishBufferBytes: 1e7,
        streamRetentionMs: 12_000,
        dedupe: 'flashblocks',
        takeoverMs: 600,
        restartMs: 4000,
        gapRepairMs: 60,
        maxMessageBytes: 1e6,
      },
      {
        publisher,
        createSequencer,
        encode: ({ content }) => Promise.resolve({ payload: content, payloadEncoding: 'plain' }),
        holds: () => true,
        upstreamNames: UPSTREAMS,
        stall: { onStall: () => () => undefined },
        metrics: createIngestMetrics(registry),
        log: pino(
          { level: 'info', base: null },
          { write: (line: string) => lines.push(JSON.parse(line) as object as never) },
        ),
        now: () => time.now,
      },
    );
    const count = async (name: string, labels: Record<string, string> = {}) => {
      const { values } = await registry.getSingleMetric(name)!.get();
      return values.find((one) => Object.entries(labels).every(([label, is]) => one.labels[label] === is))?.value;
    };
    const logged = () => lines.map(({ msg }) => msg);
    return { pipeline, publisher, count, logged };
  }

  const message = (index: number, upstream = 0, payloadId = 'x'): UpstreamMessage =>
    upstreamMessage(flashblockJson({ blockNumber: 7, index }, { payloadId }), { upstream, readAt: time.now });

  it('has every series of an upstream from the start', async () => {
    const { count } = setUp();
    for (const upstream of UPSTREAMS) {
      for (const name of ['wins', 'duplicates', 'stale', 'conflicts'])
        assert.equal(await count(`flashcast_upstream_${name}_total`, { upstream }), 0);
      for (const outcome of ['repaired', 'lost'])
        assert.equal(await count('flashcast_upstream_gaps_total', { upstream, outcome }), 0);
    }
  });

  it('counts each message once for its upstream, whatever is refused', async () => {
    const [a, b] = [setUp('a'), setUp('b')];
    await Promise.all([a.pipeline.start(), b.pipeline.start()]);
    await time.advanceTo(10);
    for (let index = 0; index < 4; index += 1) {
      for (const { pipeline } of [a, b]) {
        if (index !== 1) pipeline.receive(message(index, 0));
        pipeline.receive(message(index, 1));
      }
    }
    await time.advanceTo(1000);
    for (const { count } of [a, b]) {
      let counted = 0;
      for (const upstream of UPSTREAMS)
        for (const name of ['wins', 'duplicates', 'stale', 'conflicts'])
          counted += (await count(`flashcast_upstream_${name}_total`, { upstream })) ?? 0;
      assert.equal(counted, 7);
    }
    const published = [a, b].map(({ count }) => count('flashcast_publish_results_total', { result: 'published' }));
    assert.equal(
      (await Promise.all(published)).reduce((sum: number, one) => sum + one!, 0),
      4,
    );
  });

  it('counts a take-over once, by the ingest that carried it out', async () => {
    const [a, b] = [setUp('a'), setUp('b')];
    await Promise.all([a.pipeline.start(), b.pipeline.start()]);
    await time.advanceTo(10);
    for (const { pipeline } of [a, b]) {
      for (let index = 0; index < 4; index += 1)
        pipeline.receive(upstreamMessage(flashblockJson({ blockNumber: 6, index }), { readAt: time.now }));
      pipeline.receive(message(0));
      pipeline.receive(message(0, 1, 'y'));
      pipeline.receive(message(1, 1, 'y'));
    }
    await time.advanceTo(2000);
    const takeovers = [a, b].map(({ count }) => count('flashcast_stream_takeovers_total'));
    assert.equal(
      (await Promise.all(takeovers)).reduce((sum: number, one) => sum + one!, 0),
      1,
    );
    const lines = [...a.logged(), ...b.logged()];
    assert.equal(lines.filter((line) => line === 'another payload takes the block over').length, 1);
  });

  it('counts publishes whose answers went with the connection', async () => {
    const { pipeline, publisher, count } = setUp();
    await pipeline.start();
    await time.advanceTo(10);
    for (let index = 0; index < 3; index += 1) pipeline.receive(message(index));
    await time.settle();
    publisher.setAvailable(false);
    await time.settle();
    assert.equal(await count('flashcast_publish_results_total', { result: 'error' }), 3);
    publisher.setAvailable(true);
    await time.advanceTo(100);
    assert.equal(await count('flashcast_publish_results_total', { result: 'published' }), 3);
    await pipeline.stop();
  });

  it('counts what grew too old before the state could be read', async () => {
    const { pipeline, publisher, count, logged } = setUp();
    publisher.readable = false;
    await pipeline.start();
    pipeline.receive(message(0));
    await time.advanceTo(13_000);
    pipeline.receive(message(1));
    publisher.readable = true;
    await time.advanceTo(14_000);
    assert.equal(await count('flashcast_publish_dropped_total'), 1);
    assert.deepEqual(
      store.delivered.map(({ position }) => position!.index),
      [1],
    );
    assert.deepEqual(logged(), [
      'letting messages go that waited too long to be published',
      'a new stream begins',
      'messages were let go unpublished',
    ]);
    await pipeline.stop();
  });

  it('tells each time that messages are let go', async () => {
    const { pipeline, publisher, logged } = setUp();
    await pipeline.start();
    await time.advanceTo(10);
    for (const from of [0, 10]) {
      publisher.setAvailable(false);
      for (let index = from; index < from + 10; index += 1) pipeline.receive(message(index));
      publisher.setAvailable(true);
      await time.advanceTo(time.now + 1000);
    }
    assert.equal(logged().filter((line) => line === 'publish buffer full: letting the oldest messages go').length, 2);
    assert.equal(logged().filter((line) => line === 'messages were let go unpublished').length, 2);
    await pipeline.stop();
  });

  it('names in a new epoch no content that was let go', async () => {
    const { pipeline, publisher } = setUp();
    await pipeline.start();
    await time.advanceTo(10);
    pipeline.receive(message(0));
    await time.advanceTo(20);
    publisher.setAvailable(false);
    for (let index = 1; index < 7; index += 1) pipeline.receive(message(index));
    store.lose(Infinity);
    publisher.setAvailable(true);
    await time.advanceTo(1000);
    assert.deepEqual(
      publisher.requests.findLast(({ seed }) => seed !== undefined)?.seed?.recent.map(({ contentHash }) => contentHash),
      [message(0).contentHash],
    );
    await pipeline.stop();
  });

  it('leaves no timer behind when it is stopped while the state cannot be read, in whatever order the attempts failed', async () => {
    const { pipeline, publisher } = setUp();
    publisher.readable = false;
    await pipeline.start();
    await time.settle();
    publisher.setAvailable(false);
    publisher.setAvailable(true);
    publisher.setAvailable(false);
    publisher.setAvailable(true);
    await time.settle();
    await Promise.all([pipeline.stop(), pipeline.stop()]);
    assert.equal(time.pending, 0);
    await pipeline.start();
    assert.equal(time.pending, 0, 'not started again');
  });
});
