import assert from 'node:assert/strict';
import type { EpochSeed } from '../../shared/backplane/backplane.ts';
import {
  WIDE_BOUNDS,
  Writer,
  draft,
  newId,
  rawDraft,
  results,
  startPublisher,
  startSource,
  type BackplaneHarness,
  type OpenHarness,
} from './backplane-harness.ts';

const epochOf = (writer: Writer) => writer.seed?.epoch ?? '';

const RETENTION_MS = 30_000;

/** Epochs: when one is opened, by whom, and how numbers go on. */
export function backplaneEpochSuite(open: OpenHarness): void {
  describe('epochs', () => {
    let harness: BackplaneHarness;
    let writer: Writer;

    beforeEach(async () => {
      harness = await open({ ...WIDE_BOUNDS, streamRetentionMs: RETENTION_MS });
      writer = new Writer(await startPublisher(harness.publisher()));
    });
    afterEach(() => harness.close());

    const seedAfter = (previousEpoch: string, previousSequence: number): EpochSeed => ({
      epoch: newId(),
      recent: [],
      previousEpoch,
      previousSequence,
    });

    it('refuses to begin a stream without a seed', async () => {
      writer.seed = undefined;
      assert.deepEqual(await writer.send(writer.request(draft(0))), {
        result: 'refused',
        reason: 'missing',
        state: undefined,
      });
    });

    it('reads no state and no head of a stream that does not exist', async () => {
      const publisher = await startPublisher(harness.publisher());
      const source = harness.source();
      await startSource(source);
      assert.equal(await publisher.readState(), undefined);
      assert.equal(await source.head(), undefined);
      assert.deepEqual(await source.readAfter(0), { envelopes: [], oldestSequence: undefined });
    });

    it('begins a missing stream above the highest number that the ingest has seen', async () => {
      writer.highest = 41;
      writer.seed = seedAfter('e'.repeat(32), 41);
      const recorder = await startSource(harness.source());
      const [outcome] = await writer.publish(draft(0));

      assert.ok(outcome?.result === 'published' && outcome.newEpoch);
      assert.equal(outcome.sequence, 42);
      const [delivered] = await recorder.messages(1);
      assert.ok(delivered);
      assert.equal(delivered.previousEpoch, 'e'.repeat(32));
      assert.equal(delivered.previousSequence, 41);
    });

    it('lets one of two ingests begin a missing stream and shows its state to the other', async () => {
      const other = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      const outcomes = await Promise.all([writer.publish(draft(0)), other.publish(draft(0))]);
      assert.deepEqual(outcomes.map(results).sort(), [[1], ['moved']]);
    });

    it('ignores a seed that is not needed', async () => {
      await writer.publish(draft(0));
      const first = epochOf(writer);
      writer.seed = seedAfter('', 0);
      const [outcome] = await writer.publish(draft(1));
      assert.deepEqual(outcome, { result: 'published', epoch: first, sequence: 2, newEpoch: false, repeated: false });
    });

    it('repeats the epoch before in every envelope of an epoch', async () => {
      const recorder = await startSource(harness.source());
      writer.seed = seedAfter('f'.repeat(32), 0);
      await writer.publish(draft(0));
      writer.seed = undefined;
      await writer.publish(draft(1), draft(2));
      assert.deepEqual(
        (await recorder.messages(3)).map(({ previousEpoch }) => previousEpoch),
        Array.from({ length: 3 }, () => 'f'.repeat(32)),
      );
    });

    it('refuses to go on from a state older than the retention without a seed, and tells the state', async () => {
      await writer.publish(draft(0));
      writer.seed = undefined;
      await harness.elapse(RETENTION_MS - 5000);
      assert.deepEqual(results(await writer.publish(draft(1))), [2]);
      await harness.elapse(RETENTION_MS + 1);
      const outcome = await writer.send(writer.request(draft(2)));

      assert.ok(outcome.result === 'refused');
      assert.equal(outcome.reason, 'expired');
      assert.equal(outcome.state?.sequence, 2);
    });

    it('opens a new epoch on an expired state, with the numbers going on and the own contents remembered', async () => {
      await writer.publish(draft(0), draft(1));
      const first = epochOf(writer);
      await harness.elapse(RETENTION_MS + 1);
      const contentHash = writer.request(rawDraft('{"kept":1}')).message.contentHash;
      const publisher = await startPublisher(harness.publisher());
      writer.adopt(await publisher.readState());
      writer.seed = { ...seedAfter(first, 2), recent: [{ contentHash, ageMs: 7000, flashblock: true }] };
      const recorder = await startSource(harness.source());
      const before = writer.token;
      const request = writer.request(rawDraft('{"new":1}'));
      const outcome = await writer.send(request);

      assert.deepEqual(outcome, {
        result: 'published',
        epoch: writer.seed.epoch,
        sequence: 3,
        newEpoch: true,
        repeated: false,
      });
      const [delivered] = await recorder.messages(1);
      assert.ok(delivered);
      assert.equal(delivered.previousEpoch, first);
      assert.equal(delivered.previousSequence, 2);
      assert.equal(delivered.predecessor, before);
      const state = await publisher.readState();
      assert.deepEqual(
        state?.recent.map((content) => content.contentHash),
        [contentHash, request.message.contentHash],
      );
      assert.ok((state.recent[0]?.ageMs ?? 0) >= 7000);
    });

    it('refuses a seed for an expired state that the ingest has not learnt', async () => {
      await writer.publish(draft(0));
      await harness.elapse(RETENTION_MS + 1);
      const other = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      const outcome = await other.send(other.request(draft(1)));
      assert.ok(outcome.result === 'refused');
      assert.equal(outcome.reason, 'moved');
      assert.equal(outcome.state?.sequence, 1);
    });

    it('refuses a state that has lost writes, and opens a new epoch above them with a seed', async () => {
      await writer.publish(draft(0));
      const first = epochOf(writer);
      writer.highest = 9;
      writer.seed = undefined;
      const token = writer.token;
      const outcome = await writer.send(writer.request(draft(1)));
      assert.ok(outcome.result === 'refused');
      assert.equal(outcome.reason, 'behind');
      assert.equal(outcome.state?.sequence, 1);

      writer.token = token;
      writer.seed = seedAfter(first, 9);
      const [opened, next] = await writer.publish(draft(1), draft(2));
      assert.ok(opened?.result === 'published' && opened.newEpoch);
      assert.equal(opened.sequence, 10);
      assert.ok(next?.result === 'published' && !next.newEpoch);
      assert.equal(next.sequence, 11);
    });

    it('keeps the time of the last flashblock from the contents that a missing stream is seeded with', async () => {
      const contentHash = writer.request(draft(0)).message.contentHash;
      writer.token = undefined;
      writer.seed = { ...seedAfter('', 0), recent: [{ contentHash, ageMs: 9000, flashblock: true }] };
      const publisher = await startPublisher(harness.publisher());
      await writer.publish(rawDraft('{"new":1}'));
      const age = (await publisher.readState())?.flashblockAgeMs;
      assert.ok(age !== undefined && age >= 9000);
    });

    it('counts above 32 bits', async () => {
      writer.highest = 2 ** 53 - 10;
      writer.seed = seedAfter('f'.repeat(32), 2 ** 53 - 10);
      const recorder = await startSource(harness.source());
      await writer.publish(draft(0), draft(1));
      assert.deepEqual(
        (await recorder.messages(2)).map(({ sequence, previousSequence }) => ({ sequence, previousSequence })),
        [
          { sequence: 2 ** 53 - 9, previousSequence: 2 ** 53 - 10 },
          { sequence: 2 ** 53 - 8, previousSequence: 2 ** 53 - 10 },
        ],
      );
    });
  });
}
