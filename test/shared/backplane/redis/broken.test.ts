import assert from 'node:assert/strict';
import { once } from 'node:events';
import { BackplaneUnavailableError, type StreamPublisher } from '../../../../shared/backplane/backplane.ts';
import {
  Writer,
  draft,
  drafts,
  newId,
  results,
  startPublisher,
  startSource,
  type Recorder,
} from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { openRedis, type SharedRedis } from '../../../support/redis.ts';

describe('what somebody broke in Redis', function () {
  this.timeout(30_000);
  let redis: SharedRedis;
  let harness: RedisHarness;
  let publisher: StreamPublisher;
  let writer: Writer;
  const availability: boolean[] = [];
  let told: () => void = () => undefined;

  before(async () => {
    redis = await openRedis();
  });
  after(() => (redis as SharedRedis | undefined)?.close());
  beforeEach(async () => {
    harness = new RedisHarness(redis.url);
    publisher = await startPublisher(harness.publisher());
    writer = new Writer(publisher);
    availability.length = 0;
    publisher.onAvailable((available) => {
      availability.push(available);
      told();
    });
    assert.deepEqual(results(await writer.publish(...drafts(3))), [1, 2, 3]);
  });
  afterEach(() => harness.close());

  const state = (field: string, value: string) => harness.client.hset(harness.keys.state, field, value);
  const untilAvailable = async (available: boolean) => {
    while (availability.at(-1) !== available) await new Promise<void>((resolve) => (told = resolve));
  };
  const line = async (text: string) => {
    while (!harness.logs.text.includes(text)) await once(harness.logs.events, 'line');
  };
  /** Goes on as an ingest does whose publish was refused. */
  const goOn = async (reason: string) => {
    writer.seed = undefined;
    const refused = await writer.send(writer.request(draft(3)));
    assert.ok(refused.result === 'refused');
    assert.equal(refused.reason, reason);
    assert.equal(refused.state, undefined);
    writer.adopt(undefined);
    writer.seed = { epoch: newId(), recent: [], previousEpoch: newId(), previousSequence: 3 };
    const [outcome] = await writer.publish(draft(3));
    assert.ok(outcome?.result === 'published');
    return outcome;
  };
  /** A neighbour's publisher reads what is stored now. */
  const readAnew = async () => (await startPublisher(harness.publisher())).readState();

  for (const [field, value] of [
    ['version', 'one'],
    ['epoch', 'no epoch'],
    ['epoch', newId().toUpperCase().replace(/^./, 'A')],
    ['sequence', 'three'],
    ['sequence', '9'.repeat(17)],
    ['token', ''],
    ['previousEpoch', 'zz'],
    ['previousSequence', '-1'],
    ['acceptedAt', 'today'],
    ['acceptedAt', ''],
  ] as const) {
    it(`begins a new epoch where ${field} holds '${value}', and keeps unknown fields`, async () => {
      await state(field, value);
      await state('laterField', 'kept');
      const outcome = await goOn('missing');
      assert.deepEqual([outcome.sequence, outcome.newEpoch], [4, true]);
      assert.equal((await readAnew())?.sequence, 4);
      assert.equal(await harness.client.hget(harness.keys.state, 'laterField'), 'kept');
      assert.deepEqual(results(await writer.publish(draft(4))), [5]);
      assert.deepEqual(availability, [true]);
    });
  }

  for (const [field, value] of [
    ['decided', '{'],
    ['decided', '{"position":{"blockNumber":NaN,"index":0}}'],
    ['flashblockAt', 'today'],
  ] as const) {
    it(`begins a new epoch where an ingest cannot read that ${field} holds '${value}'`, async () => {
      await state(field, value);
      writer.token = newId();
      await goOn('moved').then(({ newEpoch }) => assert.ok(newEpoch));
      assert.equal((await readAnew())?.sequence, 4);
      assert.match(harness.logs.text, /counts as missing/);
      assert.deepEqual(results(await writer.publish(draft(4))), [5]);
    });
  }

  it('counts as missing for an ingest that starts on it, which goes on above its number', async () => {
    await state('decided', 'nothing');
    const other = await startPublisher(harness.publisher());
    assert.equal(await other.readState(), undefined);
    const second = new Writer(other, 'ingest-b');
    assert.deepEqual(results(await second.publish(draft(3), draft(4))), [4, 5]);
    assert.equal((await readAnew())?.epoch, second.seed?.epoch);
  });

  it('forgets publishes that cannot be read, before anything is written', async () => {
    for (const broken of ['', 'x', '1700000000000 no publish', '1700000000000 0000000000000004:zz'])
      for (const field of [`publisher:ingest-a ${writer.start}`, 'publisher:ingest-b run']) {
        await state(field, broken);
        const before = writer.highest;
        assert.deepEqual(results(await writer.publish(draft(before))), [before + 1]);
        assert.equal(await harness.client.hexists(harness.keys.state, 'publisher:ingest-b run'), 0);
      }
    assert.equal(await harness.client.xlen(harness.keys.history), 11);
  });

  it('answers no publish again from what is none', async () => {
    await state(`publisher:ingest-a ${writer.start}`, `1700000000000 0000000000000004:${'z'.repeat(51)}`);
    assert.deepEqual(results(await writer.publish(draft(3))), [4]);
  });

  for (const broken of ['no contents', 'x'.repeat(49)])
    it(`passes over recent contents that are none: ${broken}`, async () => {
      await state('recent', broken);
      await writer.publish(draft(3));
      assert.equal((await publisher.readState())?.recent.length, 1);
    });

  for (const [what, breakIt] of [
    ['is no number', () => state('bytes', 'many')],
    ['is missing', () => harness.client.hdel(harness.keys.state, 'bytes')],
    ['is that of a longer history', () => harness.client.xtrim(harness.keys.history, 'MAXLEN', 1)],
    ['is that of a history that is gone', () => harness.client.del(harness.keys.history)],
    ['passes over an entry without an envelope', () => harness.client.xadd(harness.keys.history, '3-1', 'time', '0')],
  ] as const) {
    it(`counts the bytes of the history anew where their count ${what}`, async () => {
      await breakIt();
      await writer.publish(draft(3));
      const entries = await harness.client.xrangeBuffer(harness.keys.history, '-', '+');
      const bytes = entries.reduce((sum, [, fields]) => sum + (fields[3]?.length ?? 0), 0);
      assert.equal(await harness.client.hget(harness.keys.state, 'bytes'), String(bytes));
    });
  }

  it('says that the numbers of a history are used up', async () => {
    await harness.client.xadd(harness.keys.history, '9007199254740991-0', 'time', '0');
    await assert.rejects(writer.send(writer.request(draft(3))), /the key of the history is broken/);
  });

  for (const kind of ['state', 'history'] as const) {
    it(`stays unavailable while the key of the ${kind} is of another type, names it, and comes back when it is deleted`, async () => {
      const source = harness.source();
      const recorder = await startSource(source);
      await harness.client.del(harness.keys[kind]);
      await harness.client.set(harness.keys[kind], 'somebody else');
      const request = writer.request(draft(3));
      await assert.rejects(writer.send(request), BackplaneUnavailableError);
      await line(`the key of the ${kind} is broken`);
      await assert.rejects(kind === 'state' ? source.head() : source.readAfter(0), BackplaneUnavailableError);
      // Two questions of each that were answered with the error.
      await line('"repeated":');
      assert.deepEqual(
        [availability, recorder.availability],
        [
          [true, false],
          [true, false],
        ],
      );
      assert.doesNotMatch(harness.logs.text, /somebody else/);

      await harness.client.del(harness.keys[kind]);
      await Promise.all([untilAvailable(true), recorder.until((seen: Recorder) => seen.availability.at(-1) === true)]);
      writer.seed = { epoch: newId(), recent: [], previousEpoch: newId(), previousSequence: 3 };
      assert.deepEqual(results([await writer.send(request)]), [4]);
      await recorder.messages(1);
    });
  }

  it('is available to nobody who starts on keys of another type', async () => {
    await harness.client.del(harness.keys.history);
    await harness.client.set(harness.keys.history, 'somebody else');
    const late = harness.publisher();
    await late.start();
    const source = harness.source();
    await source.start({ message: () => undefined, unknownVersion: () => undefined, available: () => undefined });
    await assert.rejects(late.readState(), BackplaneUnavailableError);
    await assert.rejects(source.head(), BackplaneUnavailableError);
  });

  it('gives what is readable of a history with entries that are not', async () => {
    const recorder = await startSource(harness.source());
    const source = harness.source();
    await source.start(recorder);
    await harness.client.xadd(harness.keys.history, '3-1', 'time', 'never', 'envelope', 'no envelope');
    await harness.client.xadd(harness.keys.history, '4-0', 'nothing', '1');
    await harness.client.xadd(harness.keys.history, '5-0', 'time', '99999999999999', 'envelope', '');
    const [entry] = await harness.client.xrangeBuffer(harness.keys.history, '2-0', '2-0');
    assert.ok(entry);
    await harness.client.xadd(harness.keys.history, '6-0', ...entry[1]);
    await writer.publish(...drafts(40, 3));
    const { envelopes, newestSequence } = await source.readAfter(0);
    assert.deepEqual(
      envelopes.map(({ sequence }) => sequence),
      [1, 2, 3, ...Array.from({ length: 40 }, (_, at) => 7 + at)],
    );
    assert.equal(newestSequence, 46);
    assert.match(harness.logs.text, /An envelope cannot be read/);
    assert.match(harness.logs.text, /has not the number of its envelope/);
  });

  it('reads a history of many entries under one number to its end', async () => {
    for (let at = 1; at <= 40; at += 1) await harness.client.xadd(harness.keys.history, `3-${at}`, 'time', '0');
    await writer.publish(draft(3));
    const source = harness.source();
    await startSource(source);
    const { envelopes } = await source.readAfter(0);
    assert.deepEqual(
      envelopes.map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
  });

  it('has no head where the state has none that can be read', async () => {
    const source = harness.source();
    await startSource(source);
    assert.equal((await source.head())?.sequence, 3);
    for (const [field, value] of [
      ['sequence', ''],
      ['token', 'x'],
      ['epoch', ''],
    ] as const) {
      const was = await harness.client.hget(harness.keys.state, field);
      await state(field, value);
      assert.equal(await source.head(), undefined);
      await state(field, was ?? '');
    }
  });
});
