import { strict as assert } from 'node:assert';
import {
  BackplaneUnavailableError,
  MAX_PUBLISHES_IN_FLIGHT,
  type PublishOutcome,
  type PublishRequest,
} from '../../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import { PublishQueue, type PublishDecision } from '../../../ingest/publish/publish-queue.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';
import { VirtualTime } from './virtual-time.ts';

interface Call {
  readonly request: PublishRequest;
  readonly answer: (outcome: PublishOutcome) => void;
  readonly loseAnswer: () => void;
}

function decision(index: number, readAt = 0): PublishDecision {
  const position = { blockNumber: 7, index };
  const message = upstreamMessage(flashblockJson(position), { readAt });
  return {
    action: 'publish',
    message,
    decided: { position, payloadId: message.head!.payloadId },
    restart: false,
    takeover: false,
    gap: false,
  };
}

function setUp(
  options: Partial<{ publishBufferMessages: number; publishBufferBytes: number; streamRetentionMs: number }> = {},
) {
  const calls: Call[] = [];
  const log: string[] = [];
  let now = 0;
  const index = (message: UpstreamMessage): string => String(message.head!.position.index);
  const queue = new PublishQueue(
    {
      ingestId: 'a',
      start: 's',
      publishBufferMessages: 64,
      publishBufferBytes: 1e6,
      streamRetentionMs: 12_000,
      ...options,
    },
    {
      publisher: {
        publish: (request) =>
          new Promise((resolve, reject) =>
            calls.push({ request, answer: resolve, loseAnswer: () => reject(new BackplaneUnavailableError('cut')) }),
          ),
      },
      encode: (message) => Promise.resolve({ payload: message.content, payloadEncoding: 'plain' }),
      now: () => now,
      events: {
        published: (made, outcome) => log.push(`published ${index(made.message)} as ${outcome.sequence}`),
        refused: (_state, undone) => log.push(`refused ${undone.map(index).join(' ')}`),
        dropped: (message, reason) => log.push(`dropped ${index(message)}, ${reason}`),
        failed: (publishes) => log.push(`failed ${publishes}`),
      },
    },
  );
  queue.rebase('t0', 10, undefined);
  return { queue, calls, log, setNow: (to: number) => (now = to) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const published = (sequence: number): PublishOutcome => ({
  result: 'published',
  epoch: 'e',
  sequence,
  newEpoch: false,
  repeated: false,
});

describe('publish queue', () => {
  it('sends in order, each on the token of the one before', async () => {
    const { queue, calls, log } = setUp();
    queue.setAvailable(true);
    for (let i = 0; i < 3; i += 1) queue.push(decision(i));
    await settled();
    assert.deepEqual(
      calls.map(({ request }) => request.expectedToken),
      ['t0', calls[0]!.request.token, calls[1]!.request.token],
    );
    assert.equal(new Set(calls.map(({ request }) => request.publishId.counter)).size, 3);
    calls.forEach(({ answer }, i) => answer(published(11 + i)));
    await settled();
    assert.deepEqual(log, ['published 0 as 11', 'published 1 as 12', 'published 2 as 13']);
    assert.equal(queue.length, 0);
    assert.equal(queue.highestSequence, 13);
  });

  it('has at most 16 publishes in flight', async () => {
    const { queue, calls } = setUp();
    queue.setAvailable(true);
    for (let i = 0; i < 20; i += 1) queue.push(decision(i));
    await settled();
    assert.equal(calls.length, MAX_PUBLISHES_IN_FLIGHT);
    calls[0]!.answer(published(11));
    await settled();
    assert.equal(calls.length, MAX_PUBLISHES_IN_FLIGHT + 1);
  });

  it('hands everything back in order when one is refused, and heeds no later answer', async () => {
    const { queue, calls, log } = setUp();
    queue.setAvailable(true);
    for (let i = 0; i < 3; i += 1) queue.push(decision(i));
    await settled();
    calls[0]!.answer({ result: 'refused', reason: 'moved', state: undefined });
    await settled();
    calls[1]!.answer({ result: 'refused', reason: 'moved', state: undefined });
    await settled();
    assert.deepEqual(log, ['refused 0 1 2']);
    assert.equal(queue.length, 0);
  });

  it('sends the same requests again when the backplane is back after a lost answer', async () => {
    const { queue, calls, log } = setUp();
    queue.setAvailable(true);
    queue.push(decision(0));
    queue.push(decision(1));
    await settled();
    queue.setAvailable(false);
    calls[0]!.loseAnswer();
    await settled();
    assert.equal(calls.length, 2);
    queue.setAvailable(true);
    assert.deepEqual(calls[2]!.request, calls[0]!.request);
    assert.deepEqual(calls[3]!.request, calls[1]!.request);
    calls[2]!.answer({ ...published(11), repeated: true } as PublishOutcome);
    calls[3]!.answer(published(12));
    await settled();
    assert.deepEqual(log, ['failed 2', 'published 0 as 11', 'published 1 as 12']);
    queue.stop();
  });

  it('tells a lost answer once and tries again by itself', async () => {
    const time = new VirtualTime();
    try {
      const { queue, calls, log } = setUp();
      queue.setAvailable(true);
      queue.push(decision(0));
      queue.push(decision(1));
      await settled();
      calls[0]!.loseAnswer();
      calls[1]!.loseAnswer();
      await settled();
      assert.deepEqual(log, ['failed 2']);
      await time.advanceTo(499);
      assert.equal(calls.length, 2);
      await time.advanceTo(500);
      assert.deepEqual([calls[2]!.request, calls[3]!.request], [calls[0]!.request, calls[1]!.request]);
      queue.stop();
      assert.equal(time.pending, 0);
    } finally {
      time.end();
    }
  });

  it('keeps at most the buffer while the backplane is away and lets the oldest go', () => {
    const { queue, log } = setUp({ publishBufferMessages: 4 });
    for (let i = 0; i < 6; i += 1) queue.push(decision(i));
    assert.equal(queue.length, 4);
    assert.deepEqual(log, ['dropped 0, full', 'dropped 1, full']);
  });

  it('takes a burst that is longer than the buffer while the backplane is there', async () => {
    const { queue, calls, log } = setUp({ publishBufferMessages: 4 });
    queue.setAvailable(true);
    for (let i = 0; i < 30; i += 1) queue.push(decision(i));
    for (let answered = 0; answered < 30; answered += 1) {
      await settled();
      calls[answered]!.answer(published(11 + answered));
    }
    await settled();
    assert.equal(queue.length, 0);
    assert.equal(log.filter((line) => line.startsWith('published')).length, 30);
    assert.equal(log.length, 30);
  });

  it('bounds a flood of tiny messages while the backplane is there', async () => {
    const publishBufferBytes = 102_400;
    const { queue, log } = setUp({ publishBufferBytes });
    queue.setAvailable(true);
    await settled();
    for (let i = 0; i < 400; i += 1) queue.push(decision(i));
    assert.ok(queue.length <= publishBufferBytes / 1024, String(queue.length));
    assert.equal(log.length, 400 - queue.length);
  });

  it('bounds the buffer by bytes, and keeps the newest message whatever its size', () => {
    const { queue, log } = setUp({ publishBufferBytes: 10 });
    queue.push(decision(0));
    queue.push(decision(1));
    assert.equal(queue.length, 1);
    assert.deepEqual(log, ['dropped 0, full']);
  });

  it('lets go what grew older than the retention', async () => {
    const { queue, calls, log, setNow } = setUp();
    queue.push(decision(0, 0));
    queue.push(decision(1, 5000));
    await settled();
    setNow(12_500);
    queue.setAvailable(true);
    await settled();
    assert.deepEqual(log, ['dropped 0, old']);
    assert.equal(calls.length, 1);
    assert.notEqual(
      calls[0]!.request.expectedToken,
      't0',
      'the token of the dropped one: a refusal makes it decided again',
    );
  });

  it('gives the permission for a new epoch to the first publish after a rebase only', async () => {
    const { queue, calls } = setUp();
    const seed = { epoch: 'f'.repeat(32), recent: [], previousEpoch: '', previousSequence: 0 };
    queue.rebase(undefined, 0, seed);
    queue.setAvailable(true);
    queue.push(decision(0));
    queue.push(decision(1));
    await settled();
    assert.deepEqual(
      calls.map(({ request }) => request.seed),
      [seed, undefined],
    );
    assert.equal(calls[0]!.request.highestSequence, 10, 'numbers never go back');
  });

  it('knows which blocks wait', () => {
    const { queue } = setUp();
    queue.push(decision(0));
    assert.equal(queue.waits(7), true);
    assert.equal(queue.waits(8), false);
  });
});
