import assert from 'node:assert/strict';
import { BackplaneUnavailableError, type StreamBounds, type StreamSource } from '../../shared/backplane/backplane.ts';
import { encodedLength } from '../../shared/envelope.ts';
import { readFlashblockHead } from '../../shared/flashblock.ts';
import {
  WIDE_BOUNDS,
  Writer,
  draft,
  drafts,
  rawDraft,
  startPublisher,
  startSource,
  type BackplaneHarness,
  type Draft,
  type OpenHarness,
} from './backplane-harness.ts';

/** What a flashblock of the test's ingest takes in the history. */
const bytesOf = ({ content }: Draft) =>
  encodedLength({
    payload: content,
    ingestId: 'ingest-a',
    payloadId: readFlashblockHead(content)?.payloadId ?? '',
  });

/** What a source reads: the history within its bounds, and the head. */
export function backplaneHistorySuite(open: OpenHarness): void {
  describe('the history', () => {
    let harness: BackplaneHarness | undefined;
    let writer: Writer;
    let source: StreamSource;

    const openWith = async (bounds: Partial<StreamBounds> = {}) => {
      harness = await open({ ...WIDE_BOUNDS, ...bounds });
      writer = new Writer(await startPublisher(harness.publisher()));
      source = harness.source();
      await startSource(source);
      const opened = harness;
      return { newSource: () => opened.source() };
    };
    afterEach(async () => {
      await harness?.close();
      harness = undefined;
    });

    const numbers = async (after: number) => (await source.readAfter(after)).envelopes.map(({ sequence }) => sequence);

    it('gives the same envelopes as the live feed did', async () => {
      const { newSource } = await openWith();
      const recorder = await startSource(newSource());
      await writer.publish(...drafts(3));
      assert.deepEqual((await source.readAfter(0)).envelopes, await recorder.messages(3));
    });

    it('gives what comes after a number', async () => {
      await openWith();
      await writer.publish(...drafts(5));
      assert.deepEqual(await numbers(3), [4, 5]);
      assert.deepEqual(await numbers(5), []);
      assert.deepEqual(await numbers(99), []);
      assert.equal((await source.readAfter(5)).oldestSequence, 1);
    });

    it('gives a long history whole', async () => {
      await openWith();
      await writer.publish(...drafts(100));
      assert.deepEqual(
        await numbers(1),
        Array.from({ length: 99 }, (_, index) => index + 2),
      );
    });

    it('tells the head', async () => {
      await openWith();
      await writer.publish(...drafts(3));
      assert.deepEqual(await source.head(), { epoch: writer.seed?.epoch, sequence: 3, token: writer.token });
    });

    it('ends at STREAM_MAX_MESSAGES', async () => {
      await openWith({ streamMaxMessages: 4 });
      await writer.publish(...drafts(4));
      assert.deepEqual(await numbers(0), [1, 2, 3, 4]);
      await writer.publish(...drafts(6, 4));
      const { envelopes, oldestSequence } = await source.readAfter(0);
      assert.deepEqual(
        envelopes.map(({ sequence }) => sequence),
        [7, 8, 9, 10],
      );
      assert.equal(oldestSequence, 7);
    });

    it('ends at STREAM_MAX_BYTES, to the byte', async () => {
      const bytesOfOne = bytesOf(draft(0));
      await openWith({ streamMaxBytes: 3 * bytesOfOne });
      await writer.publish(...drafts(3));
      assert.deepEqual(await numbers(0), [1, 2, 3]);
      await writer.publish(draft(3));
      assert.deepEqual(await numbers(0), [2, 3, 4]);
      await writer.publish(rawDraft(`{"long":"${'x'.repeat(bytesOfOne)}"}`));
      assert.deepEqual(await numbers(0), [4, 5]);
    });

    it('keeps the newest message even when it is larger than STREAM_MAX_BYTES', async () => {
      await openWith({ streamMaxBytes: 1000 });
      await writer.publish(draft(0));
      await writer.publish(rawDraft(`{"long":"${'x'.repeat(5000)}"}`));
      assert.deepEqual(await numbers(0), [2]);
      await writer.publish(draft(1));
      assert.deepEqual(await numbers(0), [3]);
    });

    it('leaves out what is older than STREAM_RETENTION_MS, and still tells where it begins', async () => {
      await openWith({ streamRetentionMs: 30_000 });
      await writer.publish(...drafts(20));
      await harness?.elapse(20_000);
      await writer.publish(...drafts(2, 20));
      await harness?.elapse(10_001);
      assert.deepEqual(await numbers(0), [21, 22]);
      assert.equal((await source.readAfter(0)).oldestSequence, 1);
      await harness?.elapse(30_001);
      assert.deepEqual(await source.readAfter(0), { envelopes: [], oldestSequence: 1, newestSequence: 22 });
    });

    it('keeps the history of the epoch before', async () => {
      await openWith({ streamRetentionMs: 30_000 });
      await writer.publish(draft(0));
      writer.highest = 5;
      await writer.publish(draft(1));
      assert.deepEqual(await numbers(0), [1, 6]);
    });

    it('rejects calls after the source was stopped, and stops twice', async () => {
      await openWith();
      await source.stop();
      await source.stop();
      await assert.rejects(source.readAfter(0), BackplaneUnavailableError);
      await assert.rejects(source.head(), BackplaneUnavailableError);
    });

    it('delivers nothing more after the source was stopped', async () => {
      const { newSource } = await openWith();
      const stopped = newSource();
      const recorder = await startSource(stopped);
      await writer.publish(draft(0));
      await recorder.messages(1);
      await stopped.stop();
      await writer.publish(draft(1));
      assert.deepEqual(await numbers(0), [1, 2]);
      assert.equal(recorder.envelopes.length, 1);
    });
  });
}
