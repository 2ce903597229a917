import assert from 'node:assert/strict';
import { BoundedList } from '../../../shared/status/bounded-list.ts';
import { FlashblockBatch, MAX_BATCH } from '../../../shared/status/flashblock-batch.ts';
import { MAX_RACES, RaceHistory } from '../../../shared/status/race-history.ts';
import { MAX_BLOCKS, MAX_FLASHBLOCKS, StreamHistory, recordOf } from '../../../shared/status/stream-history.ts';
import { arrival, message, record } from './support.ts';

describe('status: a bounded list', () => {
  it('keeps the last ones, and puts one in the place of another', () => {
    const list = new BoundedList<number>(3);
    for (let item = 0; item < 50; item += 1) list.add(item);
    assert.deepEqual(list.toArray(), [47, 48, 49]);
    list.replace(48, 4.8);
    list.replace(1, 1.1);
    assert.deepEqual(list.toArray(), [47, 4.8, 49]);
  });
});

describe('status: the latest blocks', () => {
  it('hold the flashblocks of one payload of a block together', () => {
    const history = new StreamHistory();
    for (const one of [record(7, 0), record(7, 1), record(8, 0)]) history.add(one);
    assert.deepEqual(
      history.blocks.map(({ block, flashblocks }) => [block, flashblocks.map(({ index }) => index)]),
      [
        [7, [0, 1]],
        [8, [0]],
      ],
    );
  });

  it('tell a block that another payload took over, or that came again after a restart, from the first', () => {
    const history = new StreamHistory();
    history.add(record(7, 0));
    history.add(record(7, 0, { payloadId: '0xother' }));
    history.add(record(7, 0, { payloadId: '0xother', restart: true }));
    assert.deepEqual(
      history.blocks.map(({ payloadId }) => payloadId),
      ['0x7', '0xother', '0xother'],
    );
  });

  it(`are ${MAX_BLOCKS} of ${MAX_FLASHBLOCKS} flashblocks at most, and count what they leave out`, () => {
    const history = new StreamHistory();
    for (let block = 0; block < 50; block += 1) history.add(record(block, 0));
    assert.deepEqual([history.blocks.length, history.blocks[0]?.block], [MAX_BLOCKS, 50 - MAX_BLOCKS]);
    for (let index = 1; index < 100; index += 1) history.add(record(49, index));
    const last = history.blocks.at(-1)!;
    assert.deepEqual([last.flashblocks.length, last.leftOut], [MAX_FLASHBLOCKS, 100 - MAX_FLASHBLOCKS]);
  });

  it('leave out what is no flashblock, and know the compressed size where there is one', () => {
    const raw = message(7, 0);
    assert.equal(recordOf({ ...raw, position: undefined } as never, 0), undefined);
    assert.equal(recordOf(raw, 0)?.packed, null);
    const packed = recordOf({ ...raw, payloadEncoding: 'brotli', payload: { length: 8000 } }, 2);
    assert.deepEqual([packed?.packed, packed?.lostBefore], [8000, 2]);
  });
});

describe('status: races of the upstreams', () => {
  it('know the first and how far behind the others were, each once', () => {
    const history = new RaceHistory();
    history.first(arrival(1, 0));
    assert.deepEqual(history.behind(arrival(0, 0), 3.456)?.behind, [[0, 3.46]]);
    assert.equal(history.behind(arrival(0, 0), 9), undefined);
    assert.equal(history.behind(arrival(1, 0), 9), undefined);
    assert.deepEqual(history.races, [{ id: 0, block: 7, index: 0, first: 1, behind: [[0, 3.46]] }]);
  });

  it(`are the last ${MAX_RACES}; a late one of a forgotten race, and what is no flashblock, change nothing`, () => {
    const history = new RaceHistory();
    for (let index = 0; index < 300; index += 1) history.first(arrival(0, index));
    assert.deepEqual([history.races.length, history.races[0]?.id], [MAX_RACES, 300 - MAX_RACES]);
    assert.equal(history.behind(arrival(1, 0), 5), undefined);
    assert.equal(history.first({ upstream: 0, contentHash: 'raw' }), undefined);
  });
});

describe('status: a batch of flashblocks', () => {
  it('is given once, with the latest of each race', () => {
    const batch = new FlashblockBatch();
    assert.equal(batch.take(), undefined);
    batch.add(record(7, 0));
    const race = { id: 3, block: 7, index: 0, first: 0, behind: [] };
    batch.race(race);
    batch.race({ ...race, behind: [[1, 4]] });
    assert.deepEqual(batch.take(), {
      flashblocks: [record(7, 0)],
      races: [{ ...race, behind: [[1, 4]] }],
      leftOut: 0,
    });
    assert.equal(batch.take(), undefined);
  });

  it(`holds the newest ${MAX_BATCH}, and counts what it leaves out`, () => {
    const batch = new FlashblockBatch();
    for (let index = 0; index < 200; index += 1) {
      batch.add(record(7, index));
      batch.race({ id: index, block: 7, index, first: 0, behind: [] });
    }
    const event = batch.take()!;
    assert.deepEqual([event.flashblocks.length, event.races.length], [MAX_BATCH, MAX_BATCH]);
    assert.deepEqual([event.flashblocks.at(-1)?.index, event.leftOut], [199, 200 - MAX_BATCH]);
  });
});
