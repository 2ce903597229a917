import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createSequencer } from '../../../ingest/sequencer/sequencer.ts';
import { Pipeline } from '../../../ingest/publish/pipeline.ts';
import {
  BackplaneUnavailableError,
  type PublishOutcome,
  type PublishRequest,
  type StoredState,
  type StreamPublisher,
} from '../../../shared/backplane/backplane.ts';
import { createMemoryBackplane, type MemoryBackplane } from '../../../shared/backplane/memory.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';

const BOUNDS = { streamMaxMessages: 256, streamMaxBytes: 1e8, streamRetentionMs: 12_000 };
const OPTIONS = {
  ingestId: 'a',
  publishBufferMessages: 64,
  publishBufferBytes: 1e7,
  streamRetentionMs: 12_000,
  dedupe: 'flashblocks' as const,
  takeoverMs: 600,
  restartMs: 4000,
  gapRepairMs: 60,
  maxMessageBytes: 1e6,
};

/** A publisher over the memory backplane whose connection can be cut, before or after a publish was carried out. */
class CuttablePublisher implements StreamPublisher {
  readonly #inner: StreamPublisher;
  #listener: (available: boolean) => void = () => undefined;
  /** What becomes of the calls: answered, never carried out, or carried out with the answer lost. */
  mode: 'works' | 'cut' | 'answers lost' = 'works';

  constructor(inner: StreamPublisher) {
    this.#inner = inner;
  }
  start(): Promise<void> {
    return this.#inner.start();
  }
  onAvailable(listener: (available: boolean) => void): void {
    this.#listener = listener;
    this.#inner.onAvailable(listener);
  }
  readState(): Promise<StoredState | undefined> {
    return this.#inner.readState();
  }
  async publish(request: PublishRequest): Promise<PublishOutcome> {
    if (this.mode === 'cut') throw new BackplaneUnavailableError('cut');
    const outcome = await this.#inner.publish(request);
    if (this.mode === 'answers lost') throw new BackplaneUnavailableError('lost');
    return outcome;
  }
  setMode(mode: CuttablePublisher['mode']): void {
    this.mode = mode;
    this.#listener(mode !== 'cut');
  }
  stop(): Promise<void> {
    return this.#inner.stop();
  }
}

function setUp(backplane: MemoryBackplane, options: Partial<typeof OPTIONS> = {}) {
  const registry = new Registry();
  const publisher = new CuttablePublisher(backplane.publisher());
  const pipeline = new Pipeline(
    { ...OPTIONS, ...options },
    {
      publisher,
      createSequencer,
      encode: (message) => Promise.resolve({ payload: message.content, payloadEncoding: 'plain' }),
      holds: () => true,
      upstreamNames: ['builder:80#0', 'builder:80#1'],
      stall: { onStall: () => () => undefined },
      metrics: createIngestMetrics(registry),
      log: pino({ level: 'silent' }),
    },
  );
  const results = async () => {
    const metric = await registry.getSingleMetric('flashcast_publish_results_total')!.get();
    return Object.fromEntries(metric.values.map(({ labels, value }) => [String(labels['result']), value]));
  };
  return { pipeline, publisher, results };
}

async function collect(backplane: MemoryBackplane): Promise<Envelope[]> {
  const envelopes: Envelope[] = [];
  await backplane.source().start({
    message: (envelope) => envelopes.push(envelope),
    unknownVersion: () => assert.fail('unknown version'),
    available: () => undefined,
  });
  return envelopes;
}

const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const message = (n: number) =>
  upstreamMessage(flashblockJson({ blockNumber: 100 + Math.floor(n / 11), index: n % 11 }), {
    readAt: performance.now(),
  });
const places = (envelopes: readonly Envelope[]) =>
  envelopes.map(({ position }) => (position!.blockNumber - 100) * 11 + position!.index);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('publish pipeline', () => {
  it('decides nothing before the shared state was read, and then what came meanwhile', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const stream = await collect(backplane);
    const { pipeline } = setUp(backplane);
    pipeline.receive(message(0));
    pipeline.receive(message(1));
    assert.equal(pipeline.buffered, 2);
    await pipeline.start();
    await settled();
    assert.deepEqual(places(stream), [0, 1]);
    await pipeline.stop();
  });

  it('bounds what waits for the shared state', () => {
    const { pipeline } = setUp(createMemoryBackplane(BOUNDS), { publishBufferMessages: 3 });
    for (let n = 0; n < 10; n += 1) pipeline.receive(message(n));
    assert.equal(pipeline.buffered, 3);
  });

  it('drops what the stored stream has already', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const stream = await collect(backplane);
    const first = setUp(backplane);
    await first.pipeline.start();
    for (let n = 0; n < 5; n += 1) first.pipeline.receive(message(n));
    await first.pipeline.stop();
    const second = setUp(backplane, { ingestId: 'b' });
    await second.pipeline.start();
    for (let n = 0; n < 7; n += 1) second.pipeline.receive(message(n));
    await second.pipeline.stop();
    assert.deepEqual(places(stream), upTo(7));
  });

  it('recognises its own publishes whose answers were lost', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const stream = await collect(backplane);
    for (const dedupe of ['flashblocks', 'off'] as const) {
      stream.length = 0;
      const { pipeline, publisher } = setUp(backplane, { dedupe: dedupe as 'flashblocks' });
      await pipeline.start();
      await settled();
      publisher.mode = 'answers lost';
      const from = dedupe === 'off' ? 20 : 0;
      for (let n = from; n < from + 3; n += 1) pipeline.receive(message(n));
      await settled();
      publisher.setMode('cut');
      pipeline.receive(message(from + 3));
      publisher.setMode('works');
      await settled();
      assert.deepEqual(places(stream), [from, from + 1, from + 2, from + 3], dedupe);
      await pipeline.stop();
    }
  });

  it('publishes what came while the backplane was away, and lets go of what exceeded the buffer', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const stream = await collect(backplane);
    const { pipeline, publisher } = setUp(backplane, { publishBufferMessages: 4 });
    await pipeline.start();
    pipeline.receive(message(0));
    await settled();
    publisher.setMode('cut');
    for (let n = 1; n < 8; n += 1) pipeline.receive(message(n));
    await settled();
    publisher.setMode('works');
    await settled();
    while (stream.length < 5) await settled();
    assert.deepEqual(places(stream), [0, 4, 5, 6, 7]);
    await pipeline.stop();
  });

  it('publishes all of a burst, as an upstream sends one that was resumed', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const stream = await collect(backplane);
    const { pipeline } = setUp(backplane);
    await pipeline.start();
    await settled();
    for (let n = 0; n < 150; n += 1) pipeline.receive(message(n));
    while (pipeline.buffered > 0) await settled();
    assert.deepEqual(places(stream), upTo(150));
    await pipeline.stop();
  });

  it('makes one stream of two ingests, whatever the interleaving', async () => {
    const step = fc.record({ ingest: fc.nat(1), count: fc.integer({ min: 1, max: 4 }), wait: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const backplane = createMemoryBackplane(BOUNDS);
        const stream = await collect(backplane);
        const ingests = [setUp(backplane), setUp(backplane, { ingestId: 'b' })];
        await Promise.all(ingests.map(({ pipeline }) => pipeline.start()));
        await settled();
        const next = [0, 0];
        for (const { ingest, count, wait } of steps) {
          for (let i = 0; i < count; i += 1) ingests[ingest]!.pipeline.receive(message(next[ingest]!++));
          if (wait) await settled();
        }
        await settled();
        assert.deepEqual(places(stream), upTo(Math.max(...next)));
        await Promise.all(ingests.map(({ pipeline }) => pipeline.stop()));
      }),
      { numRuns: 60 },
    );
  });

  it('counts what became of its publishes', async () => {
    const backplane = createMemoryBackplane(BOUNDS);
    const a = setUp(backplane);
    const b = setUp(backplane, { ingestId: 'b' });
    await a.pipeline.start();
    await b.pipeline.start();
    await settled();
    a.pipeline.receive(message(0));
    await settled();
    b.pipeline.receive(message(0));
    await settled();
    assert.deepEqual(await a.results(), { published: 1, duplicate: 0, stale: 0, conflict: 0, error: 0 });
    assert.deepEqual(await b.results(), { published: 0, duplicate: 1, stale: 0, conflict: 0, error: 0 });
    await a.pipeline.stop();
    await b.pipeline.stop();
  });
});
