import assert from 'node:assert/strict';
import { BackplaneUnavailableError } from '../../../../shared/backplane/backplane.ts';
import { encodeEnvelope, STAMP_OFFSET } from '../../../../shared/envelope.ts';
import {
  Writer,
  draft,
  drafts,
  newId,
  results,
  startPublisher,
  startSource,
} from '../../../suites/backplane-harness.ts';
import { RedisHarness } from '../../../suites/backplane-redis-harness.ts';
import { openRedis, type SharedRedis } from '../../../support/redis.ts';

describe('what is stored in Redis', () => {
  let redis: SharedRedis;
  let harness: RedisHarness;
  let writer: Writer;

  before(async () => {
    redis = await openRedis();
  });
  after(() => (redis as SharedRedis | undefined)?.close());
  beforeEach(async () => {
    harness = new RedisHarness(redis.url);
    writer = new Writer(await startPublisher(harness.publisher()));
  });
  afterEach(() => harness.close());

  const someEnvelope = () =>
    encodeEnvelope({
      ...writer.request(draft(0)).message,
      epoch: newId(),
      sequence: 1,
      previousEpoch: '',
      previousSequence: 0,
      token: newId(),
      predecessor: '',
    });

  it('keeps the fields of a neighbouring release, over epochs too', async () => {
    await writer.publish(draft(0));
    await harness.client.hset(harness.keys.state, 'laterField', 'kept');
    await writer.publish(draft(1));
    writer.highest = 10;
    await writer.publish(draft(2));
    assert.equal(await harness.client.hget(harness.keys.state, 'laterField'), 'kept');
  });

  it('is left alone where its layout is unknown', async () => {
    await writer.publish(draft(0));
    await harness.client.hset(harness.keys.state, 'version', '2');
    const publisher = harness.publisher();
    await publisher.start();
    await assert.rejects(writer.send(writer.request(draft(1))), BackplaneUnavailableError);
    await assert.rejects(publisher.readState(), BackplaneUnavailableError);
    assert.equal(await harness.client.hget(harness.keys.state, 'sequence'), '1');
    assert.match(harness.logs.text, /the state has the layout 2/);
  });

  it('stays as it was where it is something else than a stream', async () => {
    await harness.client.set(harness.keys.history, 'of somebody else');
    await assert.rejects(writer.send(writer.request(draft(0))), BackplaneUnavailableError);
    assert.equal(await harness.client.exists(harness.keys.state), 0);
    assert.equal(await harness.client.get(harness.keys.history), 'of somebody else');
  });

  it('counts the bytes of the history', async () => {
    await writer.publish(...drafts(5));
    const entries = await harness.client.xrangeBuffer(harness.keys.history, '-', '+');
    const bytes = entries.reduce((sum, [, fields]) => sum + (fields[3]?.length ?? 0), 0);
    assert.equal(await harness.client.hget(harness.keys.state, 'bytes'), String(bytes));
    await harness.client.del(harness.keys.state);
    writer.adopt(undefined);
    await writer.publish(draft(5));
    const after = await harness.client.xrangeBuffer(harness.keys.history, '-', '+');
    assert.equal(
      await harness.client.hget(harness.keys.state, 'bytes'),
      String(after.reduce((sum, [, fields]) => sum + (fields[3]?.length ?? 0), 0)),
    );
    assert.equal(after.length, 6);
  });

  it('goes on above the last number of the history where the state alone is gone', async () => {
    await writer.publish(...drafts(5));
    await harness.client.del(harness.keys.state);
    const other = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
    assert.deepEqual(results(await other.publish(draft(5))), [6]);
  });

  it('goes on above numbers that were deleted from the history', async () => {
    await writer.publish(...drafts(3));
    await harness.client.xdel(harness.keys.history, '1-0', '2-0', '3-0');
    await harness.client.del(harness.keys.state);
    writer.highest = 0;
    writer.adopt(undefined);
    assert.deepEqual(results(await writer.publish(draft(3))), [4]);
  });

  it('is the envelope with the stamp, and nothing else', async () => {
    await writer.publish(draft(0));
    const [entry] = await harness.client.xrangeBuffer(harness.keys.history, '-', '+');
    const envelope = entry?.[1][3];
    const fields = entry?.[1].map(String);
    assert.ok(envelope);
    assert.equal(entry[0].toString(), '1-0');
    assert.deepEqual(
      fields?.filter((_, at) => at % 2 === 0),
      ['time', 'envelope'],
    );
    assert.equal(
      envelope.toString('hex', STAMP_OFFSET, STAMP_OFFSET + 24),
      `${writer.seed?.epoch ?? ''}0000000000000001`,
    );
  });

  it('is reported where a live envelope has an unknown version, and the feed goes on', async () => {
    const recorder = await startSource(harness.source());
    const later = someEnvelope();
    later.writeUInt8(2, 0);
    await harness.client.publish(harness.keys.channel, later);
    await writer.publish(draft(0));
    await recorder.messages(1);
    assert.deepEqual(recorder.versions, [2]);
  });

  it('is reported once where the history holds an unknown version', async () => {
    await writer.publish(draft(0));
    const later = someEnvelope();
    later.writeUInt8(3, 0);
    const [time] = await harness.client.time();
    await harness.client.xadd(harness.keys.history, '2-0', 'time', `${time}000`, 'envelope', later);
    const source = harness.source();
    const recorder = await startSource(source);
    await source.readAfter(0);
    const { envelopes } = await source.readAfter(0);
    assert.deepEqual(recorder.versions, [3]);
    assert.deepEqual(
      envelopes.map(({ sequence }) => sequence),
      [1],
    );
  });

  it('is logged and passed over where it is no envelope', async () => {
    const recorder = await startSource(harness.source());
    for (const junk of ['', '\u0001', 'junk '.repeat(100), someEnvelope().subarray(0, 130)])
      await harness.client.publish(harness.keys.channel, junk);
    await writer.publish(draft(0));
    await recorder.messages(1);
    assert.equal(recorder.envelopes.length, 1);
    assert.match(harness.logs.text, /An envelope cannot be read/);
  });
});
