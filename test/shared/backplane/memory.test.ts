import assert from 'node:assert/strict';
import { createMemoryBackplane } from '../../../shared/backplane/memory.ts';
import type { Envelope } from '../../../shared/envelope.ts';
import { backplaneSuite } from '../../suites/backplane-suite.ts';
import { WIDE_BOUNDS, Writer, draft, startPublisher, startSource } from '../../suites/backplane-harness.ts';

describe('the memory backplane', () => {
  backplaneSuite((bounds) => {
    let now = 0;
    const backplane = createMemoryBackplane(bounds, { now: () => now });
    return Promise.resolve({
      publisher: () => backplane.publisher(),
      source: () => backplane.source(),
      elapse: (ms) => {
        now += ms;
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  });

  it('delivers before the publish returns, with the plain content that came along', async () => {
    const backplane = createMemoryBackplane(WIDE_BOUNDS);
    const recorder = await startSource(backplane.source());
    const writer = new Writer(await startPublisher(backplane.publisher()));
    const request = writer.request(draft(0));
    const plain = Buffer.from('{"plain":true}');
    void writer.send({ ...request, message: { ...request.message, plain } });

    const delivered: Envelope[] = recorder.envelopes;
    assert.equal(delivered.length, 1);
    assert.equal(delivered[0]?.plain, plain);
    assert.equal(delivered[0].payload, request.message.payload);
  });

  it('tells a listener that comes late that the publisher is available', async () => {
    const publisher = createMemoryBackplane(WIDE_BOUNDS).publisher();
    await publisher.start();
    const told: boolean[] = [];
    publisher.onAvailable((available) => told.push(available));
    assert.deepEqual(told, [true]);
  });
});
