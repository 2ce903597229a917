import { strict as assert } from 'node:assert';
import { FakeClient } from '../fanout/fake-clients.ts';
import { EdgeHarness } from '../harness.ts';
import { envelopeOf } from '../stream/envelopes.ts';
import { Resumes } from '../../../edge/front/resumes.ts';

describe('resumes', () => {
  it('review those that wait when the ring was filled, with the first live message at the latest', () => {
    const { ring, metrics, stall } = new EdgeHarness();
    const released: string[] = [];
    const resumes = new Resumes<FakeClient>(
      { streamRetentionMs: 12_000 },
      {
        ring,
        metrics,
        stall,
        now: () => 0,
        fanout: { release: (client, cursor) => released.push(`${client.encoding} ${cursor}`) },
      },
    );
    const wait = (index: number, encoding: 'br' | 'text'): void => {
      const answer = resumes.answer({ kind: 'position', after: { position: { blockNumber: 9, index } } });
      resumes.join(new FakeClient(encoding, 0), answer);
    };
    const enter = (index: number, source: 'fill' | 'live'): void => {
      const envelope = envelopeOf(index + 1, { position: { blockNumber: 9, index } });
      resumes.entry(ring.append({ envelope, lostBefore: 0 }, 0), source);
    };
    wait(1, 'br');
    wait(5, 'text');
    for (const index of [0, 1, 2]) enter(index, 'fill');
    assert.deepEqual(released, []);
    enter(3, 'live');
    assert.deepEqual(released, ['br 2']);
    assert.equal(resumes.waiting, 1);
    for (const index of [4, 5]) enter(index, 'live');
    assert.deepEqual(released, ['br 2', 'text 6']);
    resumes.stop();
  });
});
