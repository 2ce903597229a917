import { strict as assert } from 'node:assert';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { RingEntry } from '../../../edge/stream/contract.ts';
import { createEdgeStream, type EdgeStream, type EdgeStreamDependencies } from '../../../edge/stream/edge-stream.ts';
import type { HistoryRead, StreamBounds } from '../../../shared/backplane/backplane.ts';
import { createMemoryBackplane } from '../../../shared/backplane/memory.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import { createEdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../../shared/metrics/encoding-metrics.ts';
import { envelopeOf, envelopesOf, idOf, tokenOf } from './envelopes.ts';
import { ScriptedSource } from './scripted-source.ts';

const SETTINGS: StreamBounds = { streamMaxMessages: 50, streamMaxBytes: 1_000_000, streamRetentionMs: 12_000 };
const READ_AT_MS = 1_700_000_000_000;

const history = (envelopes: readonly Envelope[]): HistoryRead => ({
  envelopes,
  oldestSequence: envelopes[0]?.sequence,
});

/** Time that passes when the test says so, with the timers that belong to it. */
class FakeClock {
  now = 0;
  readonly timers = new Set<{ readonly ms: number; due: number; readonly callback: () => void }>();

  readonly every = (ms: number, callback: () => void) => {
    const timer = { ms, due: this.now + ms, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  };

  /** Lets time pass and promises settle, timer by timer. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.due - b.due)[0];
      if (next === undefined || next.due > end) break;
      this.now = next.due;
      next.due += next.ms;
      next.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.now = end;
  }
}

function setUp(overrides: Partial<EdgeStreamDependencies> = {}) {
  const registry = new Registry();
  const metrics = { ...createEdgeMetrics(registry), ...createEncodingMetrics(registry) };
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { base: null },
    new Writable({
      write(line: Buffer, _encoding, done) {
        lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
        done();
      },
    }),
  );
  const clock = new FakeClock();
  const source = new ScriptedSource();
  const stream = createEdgeStream(SETTINGS, {
    source,
    codec: { compress: (plain) => plain, decompress: () => undefined },
    metrics,
    log,
    now: () => clock.now,
    every: clock.every,
    wallClock: () => READ_AT_MS + clock.now,
    ...overrides,
  });
  const entries: RingEntry[] = [];
  stream.onEntry((entry) => entries.push(entry));
  const sequences = () => entries.map(({ envelope }) => envelope.sequence);
  const metric = async (name: string) => {
    const text = await registry.metrics();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  return { stream, source, clock, entries, sequences, metric, lines };
}

/** Started on a stream that ends at number 3. */
async function setUpFilled(overrides: Partial<EdgeStreamDependencies> = {}) {
  const set = setUp(overrides);
  const started = set.stream.start();
  set.source.listener.available(true);
  await set.source.reads[0]?.answer(history(envelopesOf(1, 3)));
  await started;
  set.entries.length = 0;
  return set;
}

describe('edge stream', () => {
  let running: EdgeStream | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it('is started when the ring was filled once from the history', async () => {
    const { stream, source, sequences } = setUp();
    let started = false;
    const start = stream.start().then(() => (started = true));
    source.listener.available(true);
    source.listener.message(envelopeOf(4));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([started, stream.readiness.filled, stream.ring.head], [false, false, 0]);
    await source.reads[0]?.answer(history(envelopesOf(2, 3)));
    await start;
    assert.deepEqual(sequences(), [2, 3, 4]);
    assert.deepEqual([stream.readiness.filled, stream.ring.head, stream.ring.tail], [true, 3, 0]);
    await stream.stop();
  });

  it('hands a live message to its listeners in the call in which it arrived, with its place in the ring', async () => {
    const { stream, source, entries } = await setUpFilled();
    source.listener.message(envelopeOf(4));
    assert.equal(entries.length, 1);
    assert.equal(entries[0], stream.ring.at(3));
    assert.equal(entries[0]?.envelope.sequence, 4);
    await stream.stop();
  });

  it('calls a listener no more that was taken off', async () => {
    const { stream, source } = await setUpFilled();
    let calls = 0;
    const end = stream.onEntry(() => (calls += 1));
    source.listener.message(envelopeOf(4));
    end();
    source.listener.message(envelopeOf(5));
    assert.equal(calls, 1);
    await stream.stop();
  });

  it('marks in the ring what was lost before a message', async () => {
    const { stream, source, entries, metric, lines } = await setUpFilled();
    source.listener.message(envelopeOf(9));
    await source.reads[1]?.answer(history(envelopesOf(7, 9)));
    assert.deepEqual(
      entries.map(({ lostBefore }) => lostBefore),
      [3, 0, 0],
    );
    assert.equal(await metric('flashcast_stream_gaps_total{outcome="lost"}'), 3);
    assert.equal(await metric('flashcast_stream_gaps_total{outcome="filled"}'), 2);
    assert.ok(lines.some(({ msg, messages }) => msg === 'messages of the stream are lost' && messages === 3));
    await stream.stop();
  });

  it('shows a silent loss on a quiet channel within two seconds', async () => {
    const { stream, source, clock, sequences } = await setUpFilled();
    source.nextHead = () => Promise.resolve({ epoch: idOf('A'), sequence: 5, token: tokenOf(5) });
    await clock.pass(1999);
    assert.equal(source.reads.length, 2);
    await source.reads[1]?.answer(history(envelopesOf(3, 5)));
    assert.deepEqual(sequences(), [4, 5]);
    await stream.stop();
  });

  it('tries a failed read again and says so once', async () => {
    const { stream, source, clock, sequences, lines } = await setUpFilled();
    source.listener.message(envelopeOf(5));
    for (let read = 1; read <= 3; read += 1) {
      await source.reads[read]?.fail();
      await clock.pass(1000);
    }
    assert.equal(source.reads.length, 5);
    await source.reads[4]?.answer(history(envelopesOf(3, 5)));
    assert.deepEqual(sequences(), [4, 5]);
    const warnings = lines.filter(({ call }) => call === 'history');
    assert.deepEqual(
      warnings.map(({ reason }) => reason),
      ['BackplaneUnavailableError'],
    );
    await stream.stop();
  });

  it('gives up a read that is never answered, asks again, and ignores the late answer', async () => {
    const { stream, source, clock, sequences } = await setUpFilled();
    source.listener.message(envelopeOf(5));
    await clock.pass(4750);
    assert.equal(source.reads.length, 2);
    await clock.pass(1500);
    assert.equal(source.reads.length, 3);
    await source.reads[1]?.answer(history(envelopesOf(3, 5)));
    assert.deepEqual(sequences(), []);
    await source.reads[2]?.answer(history(envelopesOf(3, 5)));
    assert.deepEqual(sequences(), [4, 5]);
    await stream.stop();
  });

  it('makes one head check at a time, and none while the backplane is away', async () => {
    const { stream, source, clock } = await setUpFilled();
    source.nextHead = () => new Promise(() => undefined);
    await clock.pass(4000);
    assert.equal(source.headCalls, 1);
    await clock.pass(4000);
    assert.equal(source.headCalls, 2);
    source.listener.available(false);
    await clock.pass(20_000);
    assert.equal(source.headCalls, 2);
    await stream.stop();
  });

  it('carries on after a head check that failed', async () => {
    const { stream, source, clock, lines } = await setUpFilled();
    source.nextHead = () => Promise.reject(new Error('a secret'));
    await clock.pass(3000);
    assert.equal(source.headCalls, 3);
    assert.equal(lines.filter(({ call }) => call === 'head').length, 1);
    assert.ok(!JSON.stringify(lines).includes('a secret'));
    await stream.stop();
  });

  it('catches up from the history when the backplane is back', async () => {
    const { stream, source, sequences } = await setUpFilled();
    source.listener.available(false);
    source.listener.available(true);
    assert.deepEqual(
      source.reads.map(({ afterSequence }) => afterSequence),
      [0, 2],
    );
    await source.reads[1]?.answer(history(envelopesOf(3, 6)));
    assert.deepEqual(sequences(), [4, 5, 6]);
    await stream.stop();
  });

  it('tells for readiness since when the backplane is away', async () => {
    const { stream, source, clock } = await setUpFilled();
    assert.equal(stream.readiness.unavailableSince, undefined);
    await clock.pass(300);
    source.listener.available(false);
    await clock.pass(300);
    source.listener.available(false);
    assert.equal(stream.readiness.unavailableSince, 300);
    source.listener.available(true);
    assert.equal(stream.readiness.unavailableSince, undefined);
    await stream.stop();
  });

  it('tells for readiness since when it is behind the stored head', async () => {
    const { stream, source, clock } = await setUpFilled();
    source.nextHead = () => Promise.resolve({ epoch: idOf('A'), sequence: 5, token: tokenOf(5) });
    await clock.pass(3000);
    assert.equal(stream.readiness.behindSince, 1000);
    await source.reads[1]?.answer(history(envelopesOf(3, 5)));
    assert.equal(stream.readiness.behindSince, undefined);
    await stream.stop();
  });

  it('reads the newest message where an older one in the history has an unknown version', async () => {
    for (const [newestSequence, unreadableVersion] of [
      [3, undefined],
      [4, 9],
    ] as const) {
      const { stream, source } = setUp();
      void stream.start();
      source.listener.available(true);
      source.listener.unknownVersion(9);
      await source.reads[0]?.answer({ ...history(envelopesOf(2, 3)), newestSequence });
      assert.equal(stream.readiness.unreadableVersion, unreadableVersion);
      await stream.stop();
    }
  });

  it('tells for readiness that the last message had a version it does not read', async () => {
    const { stream, source, metric, lines } = await setUpFilled();
    source.listener.unknownVersion(9);
    source.listener.unknownVersion(9);
    assert.equal(stream.readiness.unreadableVersion, 9);
    assert.equal(await metric('flashcast_stream_unknown_versions_total'), 2);
    assert.equal(lines.filter(({ version }) => version === 9).length, 1);
    source.listener.message(envelopeOf(4));
    assert.equal(stream.readiness.unreadableVersion, undefined);
    await stream.stop();
  });

  it('counts no time in which the event loop stood still', async () => {
    let stalled = false;
    const { stream, source, clock } = await setUpFilled({ stall: { check: () => stalled } });
    source.listener.available(false);
    clock.now += 60_000;
    stalled = true;
    await clock.pass(0);
    assert.equal(stream.readiness.unavailableSince, clock.now);
    await stream.stop();
  });

  it('tells how long nothing has come since the start', async () => {
    const { stream, clock, metric } = setUp();
    clock.now += 3000;
    assert.equal(await metric('flashcast_stream_age_seconds'), 3);
    await stream.stop();
  });

  it('measures the stream', async () => {
    const { stream, source, clock, metric } = await setUpFilled();
    source.listener.message(envelopeOf(4, { position: { blockNumber: 77, index: 5 }, receivedAtMs: READ_AT_MS - 30 }));
    await clock.pass(2000);
    assert.equal(await metric('flashcast_stream_messages_total'), 4);
    assert.equal(await metric('flashcast_stream_unknown_messages_total'), 3);
    assert.equal(await metric('flashcast_stream_sequence'), 4);
    assert.equal(await metric('flashcast_stream_block_number'), 77);
    assert.equal(await metric('flashcast_stream_flashblock_index'), 5);
    assert.equal(await metric('flashcast_stream_age_seconds'), 2);
    assert.equal(await metric('flashcast_ingest_to_edge_seconds_count'), 1);
    assert.equal(await metric('flashcast_ingest_to_edge_seconds_sum'), 0.03);
    source.listener.message(envelopeOf(5, { epoch: idOf('B'), previousEpoch: idOf('A'), previousSequence: 4 }));
    assert.equal(await metric('flashcast_stream_epochs_total'), 1);
    await stream.stop();
  });

  it('counts a message that cannot be decoded once, and logs one a minute', async () => {
    const { stream, source, clock, entries, metric, lines } = await setUpFilled();
    for (const sequence of [4, 5, 6]) {
      source.listener.message(envelopeOf(sequence, { payloadEncoding: 'brotli', payload: Buffer.from('lie') }));
      if (sequence === 5) await clock.pass(60_000);
    }
    for (const entry of [...entries, ...entries]) assert.equal(entry.frame('text'), undefined);
    assert.equal(await metric('websocket_proxy_failed_messages'), 3);
    assert.equal(lines.filter(({ msg }) => msg === 'a message is not what its envelope says').length, 2);
    await stream.stop();
  });

  it('rejects its start where the server is unfit, and leaves no timer', async () => {
    const { stream, source, clock } = setUp();
    source.startError = new Error('too old');
    await assert.rejects(stream.start(), /too old/);
    assert.deepEqual([clock.timers.size, source.stops], [0, 1]);
  });

  it('stops at any time, again and again, and does nothing after it', async () => {
    const { stream, source, clock, sequences } = setUp();
    const started = stream.start();
    source.listener.available(true);
    await stream.stop();
    await stream.stop();
    await started;
    assert.equal(clock.timers.size, 0);
    await source.reads[0]?.answer(history(envelopesOf(1, 3)));
    source.listener.message(envelopeOf(4));
    source.listener.available(true);
    assert.deepEqual([sequences(), source.reads.length], [[], 1]);
    await assert.rejects(stream.start());
  });

  it('may be stopped by a listener in the middle of a delivery', async () => {
    const { stream, source, entries } = await setUpFilled();
    stream.onEntry(() => void stream.stop());
    source.listener.message(envelopeOf(7));
    await source.reads[1]?.answer(history(envelopesOf(3, 7)));
    assert.equal(entries.length, 1);
  });

  it('follows a memory backplane with real timers', async () => {
    const backplane = createMemoryBackplane(SETTINGS);
    const publisher = backplane.publisher();
    await publisher.start();
    const publish = async (counter: number) => {
      const { epoch, sequence, previousEpoch, previousSequence, token, predecessor, ...message } = envelopeOf(counter);
      const outcome = await publisher.publish({
        publishId: { ingestId: 'ingest', start: '1', counter },
        expectedToken: predecessor === '' ? undefined : predecessor,
        token,
        decided: {},
        highestSequence: sequence - 1,
        ...(counter === 1 && { seed: { epoch, recent: [], previousEpoch, previousSequence } }),
        message,
      });
      assert.equal(outcome.result, 'published');
    };
    await publish(1);
    await publish(2);
    const registry = new Registry();
    running = createEdgeStream(SETTINGS, {
      source: backplane.source(),
      codec: { compress: (plain) => plain, decompress: () => undefined },
      metrics: { ...createEdgeMetrics(registry), ...createEncodingMetrics(registry) },
      log: pino({ level: 'silent' }),
    });
    await running.start();
    assert.equal(running.ring.head, 2);
    await publish(3);
    assert.deepEqual(running.ring.at(2)?.envelope.payload, envelopeOf(3).payload);
    await publisher.stop();
  });
});
