import { strict as assert } from 'node:assert';
import { FirstSeen } from '../../../ingest/publish/first-seen.ts';
import { flashblockJson, upstreamMessage } from '../../support/messages.ts';

const flashblock = (index: number, upstream: number, readAt: number) =>
  upstreamMessage(flashblockJson({ blockNumber: 7, index }), { upstream, readAt });

describe('first arrivals', () => {
  it('tell how far another upstream lags behind', () => {
    const arrivals = new FirstSeen();
    arrivals.note(flashblock(0, 1, 100));
    arrivals.note(flashblock(0, 0, 130));
    assert.equal(arrivals.lagOf(flashblock(0, 0, 130)), 30);
    assert.equal(arrivals.lagOf(flashblock(0, 1, 140)), undefined, 'a repeat of its own');
    assert.equal(arrivals.lagOf(flashblock(1, 0, 140)), undefined, 'never seen');
  });

  it('tell nothing of what is not a flashblock, as it may recur', () => {
    const arrivals = new FirstSeen();
    const heartbeat = Buffer.from('{"heartbeat":true}');
    arrivals.note(upstreamMessage(heartbeat, { upstream: 0, readAt: 0 }));
    assert.equal(arrivals.lagOf(upstreamMessage(heartbeat, { upstream: 1, readAt: 60_000 })), undefined);
  });

  it('are bounded', () => {
    const arrivals = new FirstSeen();
    for (let index = 0; index < 1000; index += 1) arrivals.note(flashblock(index, 0, 0));
    assert.equal(arrivals.size, 128);
    assert.equal(arrivals.lagOf(flashblock(999, 1, 5)), 5);
  });
});
