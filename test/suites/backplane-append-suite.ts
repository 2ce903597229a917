import assert from 'node:assert/strict';
import {
  BackplaneUnavailableError,
  MAX_KNOWN_PUBLISHERS,
  MAX_PUBLISHES_IN_FLIGHT,
  MAX_RECENT_CONTENTS,
  PUBLISHER_FORGOTTEN_AFTER_MS,
} from '../../shared/backplane/backplane.ts';
import {
  WIDE_BOUNDS,
  Writer,
  draft,
  drafts,
  rawDraft,
  results,
  startPublisher,
  startSource,
  type BackplaneHarness,
  type OpenHarness,
} from './backplane-harness.ts';

/** Compare-and-append: order, refusals, resends, and what the state remembers. */
export function backplaneAppendSuite(open: OpenHarness): void {
  describe('compare-and-append', () => {
    let harness: BackplaneHarness;
    let writer: Writer;

    beforeEach(async () => {
      harness = await open({ ...WIDE_BOUNDS, streamRetentionMs: 3 * PUBLISHER_FORGOTTEN_AFTER_MS });
      writer = new Writer(await startPublisher(harness.publisher()));
    });
    afterEach(() => harness.close());

    const state = async () => {
      const publisher = await startPublisher(harness.publisher());
      const read = await publisher.readState();
      assert.ok(read);
      return read;
    };

    it('delivers a message as it was published, with its epoch, number and tokens', async () => {
      const recorder = await startSource(harness.source());
      const request = writer.request(draft(0));
      const outcome = await writer.send(request);

      assert.deepEqual(outcome, {
        result: 'published',
        epoch: writer.seed?.epoch,
        sequence: 1,
        newEpoch: true,
        repeated: false,
      });
      assert.deepEqual(await recorder.messages(1), [
        {
          ...request.message,
          epoch: writer.seed?.epoch,
          sequence: 1,
          previousEpoch: '',
          previousSequence: 0,
          token: request.token,
          predecessor: '',
        },
      ]);
    });

    it('numbers pipelined publishes in the order of the calls and chains them by their tokens', async () => {
      const recorder = await startSource(harness.source());
      const outcomes = await writer.publish(...drafts(40));

      assert.deepEqual(
        results(outcomes),
        Array.from({ length: 40 }, (_, index) => index + 1),
      );
      const delivered = await recorder.messages(40);
      assert.deepEqual(
        delivered.map(({ sequence, position, predecessor }) => ({ sequence, position, predecessor })),
        drafts(40).map(({ position }, index) => ({
          sequence: index + 1,
          position,
          predecessor: delivered[index - 1]?.token ?? '',
        })),
      );
      assert.deepEqual(
        outcomes.map((outcome) => outcome.result === 'published' && outcome.newEpoch),
        [true, ...Array.from({ length: 39 }, () => false)],
      );
    });

    it('refuses a publish decided on another state than the stored one, and tells the stored one', async () => {
      await writer.publish(draft(0), draft(1));
      const late = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      const outcome = await late.send(late.request(draft(0, 'another')));

      assert.ok(outcome.result === 'refused' && outcome.state);
      assert.equal(outcome.reason, 'moved');
      const { epoch, sequence, token, decided, recent, publishers } = outcome.state;
      assert.deepEqual({ epoch, sequence, token }, { epoch: writer.seed?.epoch, sequence: 2, token: writer.token });
      assert.deepEqual(decided, { position: draft(1).position, payloadId: '0x0000000000000064' });
      assert.deepEqual(
        recent.map(({ contentHash, flashblock }) => ({ contentHash, flashblock })),
        [draft(0), draft(1)].map((one) => ({
          contentHash: writer.request(one).message.contentHash,
          flashblock: true,
        })),
      );
      assert.deepEqual(
        publishers.map(({ ingestId, start, lastSequence }) => ({ ingestId, start, lastSequence })),
        [{ ingestId: 'ingest-a', start: writer.start, lastSequence: 2 }],
      );
    });

    it('refuses everything that was pipelined behind a refused publish', async () => {
      await writer.publish(draft(0));
      const late = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      assert.deepEqual(
        results(await late.publish(...drafts(5))),
        Array.from({ length: 5 }, () => 'moved'),
      );
      assert.equal((await state()).sequence, 1);
    });

    it('recognises a publish that is sent again, and delivers it once', async () => {
      const recorder = await startSource(harness.source());
      await writer.publish(draft(0));
      const request = writer.request(draft(1));
      await writer.send(request);
      await writer.publish(draft(2));

      assert.deepEqual(await writer.send(request), {
        result: 'published',
        epoch: writer.seed?.epoch,
        sequence: 2,
        newEpoch: false,
        repeated: true,
      });
      await writer.publish(draft(3));
      assert.deepEqual(
        (await recorder.messages(4)).map(({ sequence }) => sequence),
        [1, 2, 3, 4],
      );
    });

    it('tells a resent publish that it opened the epoch', async () => {
      const request = writer.request(draft(0));
      await writer.send(request);
      const again = await writer.send(request);
      assert.ok(again.result === 'published' && again.newEpoch && again.repeated);
    });

    it('remembers the newest 16 publishes of each ingest, whatever the others publish', async () => {
      const requests = drafts(MAX_PUBLISHES_IN_FLIGHT + 1).map((one) => writer.request(one));
      await Promise.all(requests.map((request) => writer.send(request)));
      const other = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      other.adopt(await state());
      await other.publish(...drafts(20, 20));

      const again = await Promise.all(requests.map((request) => writer.send(request)));
      assert.deepEqual(results(again), ['moved', ...Array.from({ length: 16 }, (_, index) => index + 2)]);
    });

    it('tells two runs of one ingest apart', async () => {
      await writer.publish(draft(0));
      const rerun = new Writer(await startPublisher(harness.publisher()), writer.ingestId);
      rerun.adopt(await state());
      assert.deepEqual(results(await rerun.publish(draft(1))), [2]);
      assert.equal((await state()).publishers.length, 2);
    });

    it('forgets an ingest that was silent for a minute', async () => {
      const request = writer.request(draft(0));
      await writer.send(request);
      const other = new Writer(await startPublisher(harness.publisher()), 'ingest-b');
      other.adopt(await state());
      await harness.elapse(PUBLISHER_FORGOTTEN_AFTER_MS - 5000);
      await other.publish(draft(1));
      assert.deepEqual(results([await writer.send(request)]), [1]);
      await harness.elapse(5001);
      await other.publish(draft(2));

      assert.deepEqual(
        (await state()).publishers.map(({ ingestId }) => ingestId),
        ['ingest-b'],
      );
      assert.deepEqual(results([await writer.send(request)]), ['moved']);
    });

    it('remembers the newest of very many ingests', async () => {
      await writer.publish(draft(0));
      const publisher = await startPublisher(harness.publisher());
      for (let ordinal = 0; ordinal < MAX_KNOWN_PUBLISHERS + 3; ordinal += 1) {
        await harness.elapse(1);
        const other = new Writer(publisher, `ingest-${ordinal}`);
        other.adopt(await publisher.readState());
        await other.publish(draft(ordinal + 1));
      }
      const names = (await state()).publishers.map(({ ingestId }) => ingestId);
      assert.deepEqual(
        names.sort(),
        Array.from({ length: MAX_KNOWN_PUBLISHERS }, (_, index) => `ingest-${index + 3}`).sort(),
      );
    });

    it('remembers the newest 64 contents with their ages, and which were flashblocks', async () => {
      await writer.publish(...drafts(10));
      await writer.publish(rawDraft('{"heartbeat":1}'));
      await harness.elapse(4000);
      await writer.publish(...drafts(MAX_RECENT_CONTENTS - 2, 10));

      const { recent } = await state();
      assert.deepEqual(
        recent.map(({ contentHash }) => contentHash),
        [draft(9), rawDraft('{"heartbeat":1}'), ...drafts(MAX_RECENT_CONTENTS - 2, 10)].map(
          (one) => writer.request(one).message.contentHash,
        ),
      );
      assert.deepEqual(
        recent.map(({ flashblock }) => flashblock),
        [true, false, ...Array.from({ length: MAX_RECENT_CONTENTS - 2 }, () => true)],
      );
      assert.ok(recent.slice(0, 2).every(({ ageMs }) => ageMs >= 4000));
      assert.ok(recent.slice(2).every(({ ageMs }) => ageMs >= 0 && ageMs < 4000));
    });

    it('tells how long ago anything, and how long ago a flashblock, was accepted', async () => {
      await writer.publish(rawDraft('{"heartbeat":1}'));
      assert.equal((await state()).flashblockAgeMs, undefined);
      await writer.publish(draft(0));
      await harness.elapse(10_000);
      await writer.publish(rawDraft('{"heartbeat":2}'));

      const { acceptedAgeMs, flashblockAgeMs } = await state();
      assert.ok(acceptedAgeMs < 10_000);
      assert.ok(flashblockAgeMs !== undefined && flashblockAgeMs >= 10_000);
    });

    it('keeps what a neighbouring release decided on', async () => {
      const unknown = { laterRule: { depth: [1, 2.5, 'three', null] } };
      const decided = { position: { blockNumber: 2 ** 53 - 1, index: 65_535 }, previousBlockEnd: 10, unknown };
      await writer.send(writer.request(draft(0), decided));
      assert.deepEqual((await state()).decided, { payloadId: '0x0000000000000064', ...decided });
    });

    it('keeps ids of any characters', async () => {
      const odd = new Writer(await startPublisher(harness.publisher()), 'inge st:\u20ac"{}%');
      const request = odd.request(draft(0), { payloadId: '\u20ac"\\ \n' });
      await odd.send(request);

      assert.deepEqual(results([await odd.send(request)]), [1]);
      const { publishers, decided } = await state();
      assert.deepEqual(
        publishers.map(({ ingestId, start }) => ({ ingestId, start })),
        [{ ingestId: odd.ingestId, start: odd.start }],
      );
      assert.equal(decided.payloadId, '\u20ac"\\ \n');
    });

    it('rejects calls after it was stopped, and stops twice', async () => {
      const publisher = await startPublisher(harness.publisher());
      await publisher.stop();
      await publisher.stop();
      await assert.rejects(publisher.readState(), BackplaneUnavailableError);
      await assert.rejects(publisher.publish(writer.request(draft(0))), BackplaneUnavailableError);
    });
  });
}
