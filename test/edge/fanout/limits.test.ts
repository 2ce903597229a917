import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import {
  BurstDetector,
  CATCH_UP_PATIENCE,
  type LagLimits,
  type LagState,
  payloadBytes,
  ripeBefore,
  slownessOf,
} from '../../../edge/fanout/limits.ts';
import type { Ring, RingEntry } from '../../../edge/stream/contract.ts';
import { envelopeOf } from '../stream/envelopes.ts';

const LIMITS: LagLimits = { messageBufferSize: 20, clientQueueBytes: 10_000, clientSendTimeoutMs: 1000 };

/** A ring that holds entries of these arrival times and sizes; the first has ordinal `tail`. */
function ringOf(entries: readonly { at: number; bytes?: number }[], tail = 0): Ring {
  const kept = entries.map(({ at, bytes = 100 }, n) => ({
    ordinal: tail + n,
    arrivedAt: at,
    envelope: { ...envelopeOf(tail + n + 1), plainLength: bytes, payload: Buffer.alloc(bytes) },
  })) as unknown as RingEntry[];
  return {
    tail,
    head: tail + kept.length,
    at: (ordinal) => kept[ordinal - tail],
    append: () => assert.fail('is not appended to'),
  };
}

function every200Ms(count: number, bytes = 100): { at: number; bytes: number }[] {
  return Array.from({ length: count }, (_, n) => ({ at: n * 200, bytes }));
}

function stateOf(fields: Partial<LagState>): LagState {
  return { cursor: 0, inFlight: undefined, catchingUp: false, progressAt: 0, encoding: 'identity', ...fields };
}

function judge(ring: Ring, now: number, fields: Partial<LagState>, limits: Partial<LagLimits> = {}) {
  const all = { ...LIMITS, ...limits };
  return slownessOf(stateOf({ progressAt: now, ...fields }), ring, ripeBefore(ring, now, all), now, all);
}

describe('lag limits', () => {
  it('count messages only when they have been deliverable for the send timeout', () => {
    const ring = ringOf(every200Ms(26));
    // The newest came at 5000; at 5000 those up to 4000 are ripe, which are 21.
    assert.equal(ripeBefore(ring, 5000, LIMITS), 21);
    assert.equal(judge(ring, 5000, {}), 'messages');
    assert.equal(judge(ring, 4999, {}), undefined);
    assert.equal(judge(ring, 5000, { cursor: 1 }), undefined);
  });

  it('count the message that is half written', () => {
    const ring = ringOf(every200Ms(26));
    assert.equal(judge(ring, 5000, { cursor: 1, inFlight: 0 }), 'messages');
    assert.equal(judge(ring, 5000, { cursor: 2, inFlight: 1 }), undefined);
  });

  it('count bytes, of whichever is reached first', () => {
    const ring = ringOf(every200Ms(8, 5001));
    assert.equal(judge(ring, 1200, {}), 'bytes');
    assert.equal(judge(ring, 1199, {}), undefined);
  });

  it('never find a single message too large, only too long on its way', () => {
    const ring = ringOf([{ at: 0, bytes: 1_000_000 }]);
    assert.equal(judge(ring, 60_000, {}), undefined);
    assert.equal(judge(ring, 60_000, { cursor: 1, inFlight: 0 }), undefined);
    assert.equal(judge(ring, 60_000, { progressAt: 59_000 }), 'time');
  });

  it('give a client that catches up ten times as long, and no other limit', () => {
    const ring = ringOf(every200Ms(100, 5001));
    const state = { catchingUp: true, progressAt: 20_000 };
    assert.equal(judge(ring, 20_000 + CATCH_UP_PATIENCE * 1000 - 1, state), undefined);
    assert.equal(judge(ring, 20_000 + CATCH_UP_PATIENCE * 1000, state), 'time');
    assert.equal(judge(ring, 20_999, { ...state, catchingUp: false, cursor: 100 }), undefined);
    assert.equal(judge(ring, 21_000, { ...state, catchingUp: false, cursor: 100 }), 'time');
  });

  it('find a client out of the ring whatever else holds', () => {
    const ring = ringOf(every200Ms(3), 10);
    assert.equal(judge(ring, 0, { cursor: 9, catchingUp: true }), 'fell_out');
    assert.equal(judge(ring, 0, { cursor: 10 }), undefined);
    // The message that is half written may have left: its frame is held by the socket.
    assert.equal(judge(ring, 0, { cursor: 10, inFlight: 9 }), undefined);
  });

  it('take the bytes of the encoding that the client gets', () => {
    const envelope = {
      ...envelopeOf(1),
      payloadEncoding: 'brotli' as const,
      payload: Buffer.alloc(10),
      plainLength: 70,
    };
    assert.equal(payloadBytes(envelope, 'br'), 10);
    assert.equal(payloadBytes(envelope, 'identity'), 70);
    assert.equal(payloadBytes(envelope, 'text'), 70);
    assert.equal(payloadBytes({ ...envelope, kind: 'raw' }, 'br'), 70);
  });

  it('never hit a client that reads at the pace of the stream, however that bursts', () => {
    const steps = fc.array(
      fc.record({ gap: fc.integer({ min: 0, max: 900 }), bytes: fc.integer({ min: 1, max: 20_000 }) }),
      {
        minLength: 1,
        maxLength: 80,
      },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 999 }), (gaps, behindMs) => {
        let at = 0;
        const ring = ringOf(gaps.map(({ gap, bytes }) => ({ at: (at += gap), bytes })));
        const now = at;
        // It has everything that is older than `behindMs`.
        let cursor = ring.head;
        while (cursor > 0 && now - ring.at(cursor - 1)!.arrivedAt <= behindMs) cursor -= 1;
        assert.equal(judge(ring, now, { cursor }), undefined);
      }),
    );
  });
});

describe('burst detector', () => {
  function bursts(gapMs: number, count: number, bytes = 100): boolean[] {
    const detector = new BurstDetector(LIMITS);
    const envelope = { ...envelopeOf(1), plainLength: bytes };
    return Array.from({ length: count }, (_, n) => detector.add(envelope, n * gapMs));
  }

  it('finds none in a stream of usual pace, whatever it amounts to', () => {
    assert.ok(!bursts(200, 500, 9000).includes(true));
    assert.ok(!bursts(20, 500, 9000).includes(true));
  });

  it('finds messages in quick succession that exceed the limits together', () => {
    assert.deepEqual(bursts(1, 21).indexOf(true), 20);
    assert.deepEqual(bursts(0, 5, 4000).indexOf(true), 2);
    assert.ok(!bursts(0, 20).includes(true));
  });

  it('finds none in one large message', () => {
    assert.ok(!bursts(200, 3, 1_000_000).includes(true));
  });

  it('forgets a burst after a pause', () => {
    const detector = new BurstDetector(LIMITS);
    for (let n = 0; n < 30; n += 1) detector.add(envelopeOf(1), 0);
    assert.equal(detector.add(envelopeOf(1), 20), false);
  });
});
