import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import { Pipeline } from '../../../ingest/publish/pipeline.ts';
import { createSequencer } from '../../../ingest/sequencer/sequencer.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';
import { Random } from '../sequencer/chain-model.ts';
import { FaultyPublisher, FaultyStore } from './faulty-store.ts';
import { VirtualTime } from './virtual-time.ts';

const FRAME_MS = 100;
const FAULTS_MS = 5000;
/** The last messages come when there are no faults any more. */
const COUNT = FAULTS_MS / FRAME_MS + 30;
/** The builder pauses before this message. */
const PAUSE_BEFORE = 26;
const ENCODE_MS = 3;

interface Scenario {
  readonly seed: number;
  readonly ingests: number;
  /** Longest way of a request or an answer. */
  readonly latencyMs: number;
  /** How much later than another an ingest may receive a message. */
  readonly delayMs: number;
  /** Share of publishes whose answers are lost while the connection stays. */
  readonly loss: number;
  readonly cuts: readonly { readonly ingest: number; readonly at: number; readonly ms: number }[];
  /** When the store loses its newest messages. */
  readonly losses: readonly { readonly at: number; readonly messages: number }[];
  readonly dedupe: 'flashblocks' | 'content' | 'off';
  readonly retentionMs: number;
  readonly pauseMs: number;
  /** PUBLISH_BUFFER_MESSAGES of all ingests but the first of several. */
  readonly buffer: number;
  /** Every seventh message is no flashblock. */
  readonly notes: boolean;
}

const isNote = (n: number): boolean => n % 7 === 3;

function messageAt(n: number, readAt: number, notes: boolean): UpstreamMessage {
  if (notes && isNote(n)) return upstreamMessage(Buffer.from(JSON.stringify({ note: `${n}` })), { readAt });
  const place = notes ? n - Math.floor((n + 3) / 7) : n;
  const position = { blockNumber: 100 + Math.floor(place / 11), index: place % 11 };
  return upstreamMessage(flashblockJson(position, { note: `${n}` }), { readAt });
}

function setUp(scenario: Scenario, place: number, store: FaultyStore, random: Random) {
  const { time } = store;
  const publisher = new FaultyPublisher(store, random, scenario.latencyMs);
  publisher.loss = scenario.loss;
  const metrics = createIngestMetrics(new Registry());
  const pipeline = new Pipeline(
    {
      ingestId: `ingest ${place}`,
      publishBufferMessages: place === 0 && scenario.ingests > 1 ? 64 : scenario.buffer,
      publishBufferBytes: 1e7,
      streamRetentionMs: scenario.retentionMs,
      dedupe: scenario.dedupe,
      takeoverMs: 600,
      restartMs: 4000,
      gapRepairMs: 60,
      maxMessageBytes: 1e6,
    },
    {
      publisher,
      createSequencer,
      encode: async ({ content }) => {
        await new Promise<void>((resolve) => time.at(time.now + random.fraction() * ENCODE_MS, resolve));
        return { payload: content, payloadEncoding: 'plain' };
      },
      holds: () => true,
      upstreamNames: ['builder:80#0'],
      stall: { onStall: () => () => undefined },
      metrics,
      log: pino({ level: 'silent' }),
      now: () => time.now,
    },
  );
  return { publisher, pipeline, metrics };
}

/** Plays a scenario: every ingest receives all messages. @returns what went in, as numbers of messages */
async function play(scenario: Scenario, time: VirtualTime): Promise<{ numbers: number[]; letGo: number }> {
  const random = new Random(scenario.seed);
  const store = new FaultyStore(time, {
    streamMaxMessages: 256,
    streamMaxBytes: 1e8,
    streamRetentionMs: scenario.retentionMs,
  });
  const ingests = Array.from({ length: scenario.ingests }, (_, place) => setUp(scenario, place, store, random));
  await Promise.all(ingests.map(({ pipeline }) => pipeline.start()));
  for (const { pipeline } of ingests) {
    let from = 0;
    for (let n = 0; n < COUNT; n += 1) {
      const sentAt = (n + 1) * FRAME_MS + (n < PAUSE_BEFORE ? 0 : scenario.pauseMs);
      from = Math.max(from, sentAt + random.fraction() * scenario.delayMs);
      time.at(from, () => pipeline.receive(messageAt(n, time.now, scenario.notes)));
    }
  }
  for (const { ingest, at, ms } of scenario.cuts) {
    const { publisher } = ingests[ingest % ingests.length]!;
    time.at(at, () => publisher.setAvailable(false));
    time.at(Math.min(at + ms, FAULTS_MS), () => publisher.setAvailable(true));
  }
  for (const { at, messages } of scenario.losses) time.at(at, () => store.lose(messages));
  time.at(FAULTS_MS, () => {
    for (const { publisher } of ingests) {
      publisher.loss = 0;
      publisher.setAvailable(true);
    }
  });
  await time.advanceTo(COUNT * FRAME_MS + scenario.pauseMs + 4000);
  let letGo = 0;
  for (const { pipeline, metrics } of ingests) {
    assert.equal(pipeline.buffered, 0, 'an ingest is stuck');
    letGo += (await metrics.publishDropped.get()).values[0]!.value;
    await pipeline.stop();
  }
  assert.equal(time.pending, 0, 'a timer is left');
  const numbers = store.delivered.map(({ payload }) => Number(/"note":"(\d+)"/.exec(payload.toString())![1]));
  return { numbers, letGo };
}

async function run(scenario: Scenario): ReturnType<typeof play> {
  const time = new VirtualTime();
  try {
    return await play(scenario, time);
  } finally {
    time.end();
  }
}

const anyCuts = fc.array(fc.record({ ingest: fc.nat(2), at: fc.nat(FAULTS_MS), ms: fc.nat(3000) }), { maxLength: 8 });
const anyLosses = fc.array(
  fc.record({
    at: fc.integer({ min: 500, max: FAULTS_MS }),
    messages: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 30 })),
  }),
  { maxLength: 3 },
);
const smallBuffer = fc.integer({ min: 1, max: 5 });

/** One ingest and no faults but those of requests and answers, save for what is named. */
function scenarios(drawn: Partial<{ [K in keyof Scenario]: fc.Arbitrary<Scenario[K]> }>): fc.Arbitrary<Scenario> {
  return fc.record<Scenario>({
    seed: fc.nat(),
    ingests: fc.constant(1),
    latencyMs: fc.constantFrom(1, 10, 40),
    delayMs: fc.constantFrom(0, 20, 50),
    loss: fc.constantFrom(0, 0.02, 0.2),
    cuts: anyCuts,
    losses: fc.constant([]),
    dedupe: fc.constant('flashblocks' as const),
    retentionMs: fc.constant(12_000),
    pauseMs: fc.constant(0),
    buffer: fc.constant(64),
    notes: fc.constant(false),
    ...drawn,
  });
}

/** Runs enough to find each fault that was put into the pipeline for a trial. */
const check = (drawn: fc.Arbitrary<Scenario>, predicate: (scenario: Scenario) => Promise<void>) =>
  fc.assert(fc.asyncProperty(drawn, predicate), { numRuns: 50 });

const all = Array.from({ length: COUNT }, (_, n) => n);
const flashblocks = (numbers: readonly number[]) => numbers.filter((n) => !isNote(n));
/** As an edge delivers it, that repeats no content. */
const withoutRepeats = (numbers: readonly number[]) => [...new Set(numbers)];
const rising = (numbers: readonly number[]) => numbers.every((n, at) => at === 0 || n > numbers[at - 1]!);

describe('publish pipeline under faults', () => {
  it('publishes all once and in order, whatever answers and connections one ingest loses', async () => {
    const dedupe = fc.constantFrom('flashblocks' as const, 'content' as const);
    await check(scenarios({ dedupe, notes: fc.constant(true) }), async (scenario) => {
      assert.deepEqual((await run(scenario)).numbers, all);
    });
    await check(scenarios({ dedupe: fc.constant('off') }), async (scenario) => {
      assert.deepEqual((await run(scenario)).numbers, all);
    });
  });

  it('publishes all flashblocks once and in order, whatever answers and connections several ingests lose', async () => {
    const drawn = scenarios({ ingests: fc.constantFrom(2, 3), notes: fc.constant(true) });
    await check(drawn, async (scenario) => {
      const { numbers } = await run(scenario);
      assert.deepEqual(flashblocks(numbers), flashblocks(all));
      assert.equal(new Set(numbers).size, numbers.length);
      if (scenario.cuts.length === 0 && scenario.loss === 0) assert.equal(numbers.length, all.length);
    });
  });

  it('gives all in order, less repeats, though the store loses what it has', async () => {
    await check(scenarios({ ingests: fc.integer({ min: 1, max: 3 }), losses: anyLosses }), async (scenario) => {
      assert.deepEqual(withoutRepeats((await run(scenario)).numbers), all);
    });
  });

  it('goes on after a pause of the builder, on a store that may have lost what it had', async () => {
    const drawn = scenarios({
      ingests: fc.integer({ min: 1, max: 3 }),
      losses: anyLosses,
      loss: fc.constant(0),
      cuts: fc.constant([]),
      notes: fc.constant(true),
      retentionMs: fc.constant(1500),
      pauseMs: fc.constantFrom(1400, 1450, 1500, 2000),
    });
    await check(drawn, async (scenario) => {
      const { numbers } = await run(scenario);
      assert.deepEqual(flashblocks(withoutRepeats(numbers)), flashblocks(all));
      if (scenario.losses.length === 0) assert.equal(new Set(numbers).size, numbers.length);
    });
  });

  it('counts what a small buffer lets go, and keeps the order', async () => {
    const dedupe = fc.constantFrom('flashblocks' as const, 'content' as const, 'off' as const);
    await check(scenarios({ dedupe, buffer: smallBuffer, notes: fc.constant(true) }), async (scenario) => {
      const { numbers, letGo } = await run(scenario);
      assert.ok(rising(numbers));
      assert.ok(numbers.length + letGo >= all.length);
      assert.deepEqual(numbers.slice(-20), all.slice(-20));
    });
  });

  it('goes on after any faults at once', async () => {
    const drawn = scenarios({ ingests: fc.integer({ min: 1, max: 3 }), losses: anyLosses, buffer: smallBuffer });
    await check(drawn, async (scenario) => {
      assert.deepEqual((await run(scenario)).numbers.slice(-20), all.slice(-20));
    });
  });

  it('never has an ingest that let messages go make another one drop them', async () => {
    const drawn = scenarios({
      ingests: fc.constantFrom(2, 3),
      dedupe: fc.constant('content'),
      loss: fc.constant(0),
      cuts: anyCuts.map((cuts) => cuts.map((cut) => ({ ...cut, ingest: 1 }))),
      losses: anyLosses,
      buffer: smallBuffer,
    });
    await check(drawn, async (scenario) => {
      const { numbers } = await run(scenario);
      assert.deepEqual(
        withoutRepeats(numbers).sort((a, b) => a - b),
        all,
      );
    });
  });
});
