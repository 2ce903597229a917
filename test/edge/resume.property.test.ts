import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { Fanout } from '../../edge/fanout/fanout.ts';
import { Resumes } from '../../edge/front/resumes.ts';
import { ringCodec } from '../../edge/ring-codec.ts';
import type { RingEntry } from '../../edge/stream/contract.ts';
import type { Resume } from '../../edge/stream/resume.ts';
import { createRing } from '../../edge/stream/ring.ts';
import { comparePositions, type Position } from '../../shared/flashblock.ts';
import { createEdgeMetrics } from '../../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../../shared/metrics/encoding-metrics.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { FakeClient } from './fanout/fake-clients.ts';
import { SETTINGS, TestStall } from './harness.ts';
import { envelopeOf } from './stream/envelopes.ts';

const RING_MESSAGES = 24;
const RETENTION_MS = 5000;

/** One message of the stream as it was before this edge lost any. */
interface Message {
  readonly number: number;
  readonly position: Position | undefined;
  readonly payloadId: string | undefined;
  readonly restart: boolean;
}

/** What happens next to the stream; a client may come after each step. */
const STEP = fc.oneof(
  { weight: 12, arbitrary: fc.constant('next' as const) },
  { weight: 3, arbitrary: fc.constant('block' as const) },
  { weight: 2, arbitrary: fc.constant('other' as const) },
  { weight: 1, arbitrary: fc.constant('take-over' as const) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
  { weight: 2, arbitrary: fc.constant('lose' as const) },
  { weight: 2, arbitrary: fc.constant('turn' as const) },
  { weight: 1, arbitrary: fc.constant('time' as const) },
);

/** A chain: makes the messages of the stream one after the other. */
class Chain {
  readonly messages: Message[] = [];
  #position: Position = { blockNumber: 100, index: -1 };
  #payload = 0;

  add(step: 'next' | 'block' | 'other' | 'take-over' | 'restart'): Message {
    const { blockNumber, index } = this.#position;
    if (step === 'next') this.#position = { blockNumber, index: index + 1 };
    if (step === 'block') this.#position = { blockNumber: blockNumber + 1, index: 0 };
    if (step === 'take-over') this.#position = { blockNumber, index: 0 };
    if (step === 'restart') this.#position = { blockNumber: blockNumber - 3, index: 0 };
    if (step !== 'next' && step !== 'other') this.#payload += 1;
    const message = {
      number: this.messages.length,
      position: step === 'other' ? undefined : this.#position,
      payloadId: step === 'other' ? undefined : `p${this.#payload}`,
      restart: step === 'restart',
    };
    this.messages.push(message);
    return message;
  }
}

/** A client that had everything up to a message, by another edge, and goes on here. */
interface Resumed {
  readonly client: FakeClient;
  /** Number of the message that it names. */
  readonly after: Message;
  readonly withPayload: boolean;
  readonly answer: Resume;
  readonly joinedAt: number;
  readonly tail: number;
}

class Edge {
  readonly chain = new Chain();
  readonly metrics = createEdgeMetrics(new Registry());
  readonly ring = createRing(
    { streamMaxMessages: RING_MESSAGES, streamMaxBytes: 1_000_000 },
    { codec: ringCodec, metrics: createEncodingMetrics(new Registry()), onUndecodable: () => undefined },
  );
  readonly stall = new TestStall();
  time = 0;
  readonly fanout = new Fanout<FakeClient>(SETTINGS, {
    ring: this.ring,
    metrics: this.metrics,
    stall: this.stall,
    now: () => this.time,
  });
  readonly resumes = new Resumes<FakeClient>(
    { streamRetentionMs: RETENTION_MS },
    { ring: this.ring, fanout: this.fanout, metrics: this.metrics, stall: this.stall, now: () => this.time },
  );
  /** Numbers of the messages that this edge got, in order. */
  readonly delivered: number[] = [];
  readonly entries: RingEntry[] = [];
  #lost = 0;

  lose(): void {
    this.#lost += 1;
  }

  deliver(message: Message): void {
    const plain = Buffer.from(`{"n":"${message.number}"}`);
    const { position, payloadId, restart } = message;
    const envelope = envelopeOf(message.number + 1, {
      plain,
      payload: plain,
      plainLength: plain.length,
      restart,
      ...(position && { position }),
      ...(payloadId !== undefined && { payloadId }),
    });
    const entry = this.ring.append({ envelope, lostBefore: this.#lost }, this.time);
    this.#lost = 0;
    this.delivered.push(message.number);
    this.entries.push(entry);
    this.resumes.entry(entry, 'live');
    this.fanout.entry(entry);
  }

  resume(after: Message, withPayload: boolean): Resumed {
    const client = new FakeClient('identity', this.ring.head);
    const { position, payloadId } = after;
    assert.ok(position !== undefined);
    const answer = this.resumes.answer({
      kind: 'position',
      after: { position, ...(withPayload && payloadId !== undefined && { payloadId }) },
    });
    this.resumes.join(client, answer);
    this.fanout.add(client);
    return { client, after, withPayload, answer, joinedAt: this.ring.head, tail: this.ring.tail };
  }

  async end(): Promise<void> {
    this.time += 60_000;
    this.resumes.expire();
    while (!this.fanout.isSettled) await turn();
    this.resumes.stop();
    this.fanout.stop();
  }
}

function numbersOf(client: FakeClient): number[] {
  return client.socket.written.map((frame) => Number(/"n":"(\d+)"/.exec(frame.toString('latin1'))?.[1]));
}

/** The messages of the whole stream, lost ones included, that a client may mean by what it names. */
function meant(edge: Edge, { after, withPayload }: Resumed): number[] {
  const isMeant = ({ position, payloadId }: Message): boolean =>
    position !== undefined &&
    comparePositions(position, after.position!) === 0 &&
    (!withPayload || payloadId === after.payloadId);
  return edge.chain.messages.filter(isMeant).map(({ number }) => number);
}

describe('a resume at any position of a stream that runs', () => {
  let checked = 0;

  it('misses, repeats and reorders nothing at the seam, and says truly whether it is complete', async () => {
    const outcomes = new Set<string>();
    checked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ step: STEP, back: fc.option(fc.integer({ min: -3, max: 40 })), withPayload: fc.boolean() }),
          { minLength: 20, maxLength: 120 },
        ),
        async (steps) => {
          const edge = new Edge();
          const clients: Resumed[] = [];
          const behind: Message[] = [];
          for (const { step, back, withPayload } of steps) {
            if (step === 'turn') await turn();
            else if (step === 'time') edge.time += RETENTION_MS / 4;
            else if (step === 'lose') {
              for (const message of behind.splice(0)) edge.deliver(message);
              edge.chain.add('next');
              edge.lose();
            } else if (back !== null && back < 0) {
              // Another edge has it already, this one gets it later.
              behind.push(edge.chain.add(step));
            } else {
              for (const message of behind.splice(0)) edge.deliver(message);
              edge.deliver(edge.chain.add(step));
            }
            const at = back === null ? -1 : edge.chain.messages.length - 1 - Math.max(back, 0);
            const after = edge.chain.messages[at];
            if (after?.position !== undefined) clients.push(edge.resume(after, withPayload));
          }
          for (const message of behind) edge.deliver(message);
          await edge.end();
          for (const resumed of clients) {
            check(edge, resumed);
            outcomes.add(resumed.answer.waitsFor === undefined ? resumed.answer.outcome : 'wait');
          }
        },
      ),
      { numRuns: 300 },
    );
    assert.deepEqual([...outcomes].sort(), ['complete', 'live', 'partial', 'wait']);
    assert.ok(checked > 100, `${checked} complete resumes`);
  });

  function check(edge: Edge, resumed: Resumed): void {
    const { client, after, answer, joinedAt, tail } = resumed;
    // The ring went over it within one turn of the loop.
    if (client.slowness === 'fell_out') return;
    const numbers = numbersOf(client);
    const all = meant(edge, resumed);
    const isUnique = all.length === 1;
    // One whole stretch of what the edge has had, up to its end: no hole, no repeat, no other order.
    const start = numbers.length === 0 ? edge.delivered.length : edge.delivered.indexOf(numbers[0]!);
    assert.deepEqual(numbers, edge.delivered.slice(start));
    if (answer.waitsFor !== undefined) {
      // Never a message that the client had, where this edge had only to come to it.
      const last = edge.delivered[joinedAt - 1] ?? -1;
      const ahead = edge.chain.messages.slice(last + 1, after.number + 1);
      if (ahead.length > 0 && isUnique && !ahead.some(({ restart }) => restart)) {
        assert.ok(numbers.every((number) => number > after.number));
      }
      return;
    }
    const first = edge.entries.slice(start).find(({ envelope }) => envelope.position !== undefined)?.envelope.position;
    if (answer.from !== undefined) assert.deepEqual(answer.from, first);
    if (answer.outcome !== 'complete') return;
    // Where the same position came twice and this edge has not both, it cannot know which one the client had.
    const retained = edge.delivered.slice(tail, joinedAt);
    if (!all.every((number) => retained.includes(number) || number > (retained.at(-1) ?? -1))) return;
    checked += 1;
    // Nothing between what the client had and what it gets: not at this edge, and not in the stream that it lost some of.
    const until = edge.delivered[joinedAt - 1] ?? -1;
    const missed = edge.chain.messages.slice(after.number + 1, until + 1).map(({ number }) => number);
    const got = new Set(numbers);
    assert.ok(
      missed.every((number) => got.has(number)),
      `after ${after.number} came ${numbers.join()}`,
    );
    if (isUnique) assert.ok(numbers.every((number) => number > after.number));
  }
});
