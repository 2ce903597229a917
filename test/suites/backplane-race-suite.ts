import assert from 'node:assert/strict';
import { comparePositions } from '../../shared/flashblock.ts';
import {
  WIDE_BOUNDS,
  Writer,
  draft,
  drafts,
  newId,
  results,
  startPublisher,
  startSource,
  type BackplaneHarness,
  type Draft,
  type OpenHarness,
  type TokenMaker,
} from './backplane-harness.ts';

/** Publishes in flight at once. */
const IN_FLIGHT = 8;

/** Publishes what the stream does not have yet, learning from every refusal; the way an ingest does. */
async function race(writer: Writer, messages: readonly Draft[]): Promise<void> {
  let waiting = messages;
  while (waiting.length > 0) {
    const sent = waiting.slice(0, IN_FLIGHT);
    const outcomes = await Promise.all(sent.map((one) => writer.send(writer.request(one))));
    const refused = outcomes.findIndex(({ result }) => result === 'refused');
    if (refused === -1) {
      waiting = waiting.slice(sent.length);
      continue;
    }
    assert.ok(outcomes.slice(refused).every(({ result }) => result === 'refused'));
    const last = outcomes.at(-1);
    assert.ok(last?.result === 'refused' && last.state?.decided.position);
    writer.adopt(last.state);
    const { position } = last.state.decided;
    waiting = waiting.filter((one) => one.position && comparePositions(one.position, position) > 0);
  }
}

/** What a token must not be: one more than the token before. */
const counter: TokenMaker = (before) => (parseInt(before ?? '0', 16) + 1).toString(16).padStart(32, '0');

/** Several ingests at once (upstream-and-stream: "Several ingest processes"). */
export function backplaneRaceSuite(open: OpenHarness): void {
  describe('ingests that publish at once', () => {
    let harness: BackplaneHarness;

    beforeEach(async () => {
      harness = await open(WIDE_BOUNDS);
    });
    afterEach(() => harness.close());

    const newWriter = async (ingestId: string, newToken: TokenMaker = newId) =>
      new Writer(await startPublisher(harness.publisher()), ingestId, newToken);

    it('lose, repeat and reorder nothing', async () => {
      const recorder = await startSource(harness.source());
      const messages = drafts(200);
      const writers = await Promise.all(['ingest-a', 'ingest-b', 'ingest-c'].map((name) => newWriter(name)));
      await Promise.all(writers.map((writer) => race(writer, messages)));

      const delivered = await recorder.messages(messages.length);
      assert.deepEqual(
        delivered.map(({ sequence, position, predecessor }) => ({ sequence, position, predecessor })),
        messages.map(({ position }, index) => ({
          sequence: index + 1,
          position,
          predecessor: delivered[index - 1]?.token ?? '',
        })),
      );
      const source = harness.source();
      await startSource(source);
      assert.equal((await source.head())?.sequence, messages.length);
    });

    /**
     * An ingest is paused with three publishes on their way, all decided on a state that another ingest replaces
     * meanwhile; then it goes on.
     */
    async function resumeAfterPause(newToken: TokenMaker) {
      const paused = await newWriter('paused', newToken);
      await paused.publish(draft(0));
      const other = await newWriter('other', newToken);
      other.token = paused.token;

      const onTheirWay = [draft(1), draft(2), draft(3)].map((one) => paused.request(one));
      await other.publish(draft(1, 'of another payload'));
      return results(await Promise.all(onTheirWay.map((request) => paused.send(request))));
    }

    it('refuse the whole of what a paused ingest had decided', async () => {
      assert.deepEqual(await resumeAfterPause(newId), ['moved', 'moved', 'moved']);
    });

    it('would lose a message of a paused ingest if tokens were a counter', async () => {
      assert.deepEqual(await resumeAfterPause(counter), ['moved', 3, 4]);
    });
  });
}
