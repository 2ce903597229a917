import assert from 'node:assert/strict';
import type { PageState, Snapshot } from '../../../../shared/status/contract.ts';
import { quantile, sumPairs } from '../../../../shared/status/page/distribution.ts';
import {
  bytes,
  count,
  duration,
  inText,
  latency,
  percent,
  rate,
  shortId,
} from '../../../../shared/status/page/format.ts';
import { layOut } from '../../../../shared/status/page/lanes.ts';
import { Model } from '../../../../shared/status/page/model.ts';
import { orderOf } from '../../../../shared/status/page/order.ts';
import { type LinkState, verdict } from '../../../../shared/status/page/verdict.ts';
import { record } from '../support.ts';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('status page: figures in words', () => {
  it('are short, with their units', () => {
    assert.equal(count(1_234_567), '1,234,567');
    assert.deepEqual(
      [0, 999, 1000, 34_567, 999_499, 4_200_000, 2e10].map((value) => plain(inText(bytes(value)))),
      [...['0 B', '999 B', '1 KB', '35 KB', '999 KB', '4.2 MB', '20 GB']],
    );
    assert.deepEqual(
      [0.000_05, 0.0042, 0.25, 0.9999, 12].map((value) => plain(inText(latency(value)))),
      [...['50 µs', '4.2 ms', '250 ms', '1.0 s', '12 s']],
    );
    assert.deepEqual(
      [240, 12_400, 240_000, 9_000_000, 400_000_000].map((ms) => plain(duration(ms))),
      [...['0.2 s', '12 s', '4 min', '3 h', '5 d']],
    );
    assert.deepEqual([inText(rate(5.46)), inText(rate(227.3)), inText(percent(0.5123))].map(plain), [
      ...['5.5 /s', '227 /s', '51 %'],
    ]);
    assert.equal(shortId('0x0123456789abcdef'), '0x01234567…');
  });
});

describe('status page: latencies', () => {
  it('lie within their bucket by proportion', () => {
    const buckets = sumPairs(
      [1, 2, 4],
      [
        [0, 1, 1, 1],
        [1, 1, 2, 1],
      ],
    );
    assert.deepEqual(buckets.counts, [1, 2, 1, 0]);
    assert.equal(quantile(buckets, 0.5), 1.5);
    assert.equal(quantile(buckets, 1), 4);
    assert.equal(quantile(sumPairs([1], [[1, 1]]), 0.5), Infinity);
    assert.equal(quantile(sumPairs([1], []), 0.5), undefined);
  });

  it('pass over buckets that are not there', () => {
    assert.deepEqual(sumPairs([1], [[99, 5, 0, 1, 1]]).counts, [1, 0]);
  });
});

describe('status page: the picture of blocks', () => {
  it('puts a flashblock at its time, as high as its size, the newest block first', () => {
    const block = {
      block: 7,
      payloadId: '0x7',
      leftOut: 0,
      flashblocks: [record(7, 0, { bytes: 1000 }), record(7, 1, { bytes: 4000 })],
    };
    const { lanes, spanMs, largestBytes } = layOut([{ ...block, block: 6 }, block], 5);
    assert.deepEqual([lanes.map((lane) => lane.block.block), spanMs, largestBytes], [[7, 6], 2000, 4000]);
    assert.deepEqual(
      lanes[0]?.bars.map(({ atMs, size }) => [atMs, size]),
      [
        [0, 0.25],
        [200, 1],
      ],
    );
  });

  it('shows what did not come where it was due', () => {
    const flashblocks = [record(7, 2), record(7, 5)];
    const [lane] = layOut([{ block: 7, payloadId: '', leftOut: 0, flashblocks }], 1).lanes;
    assert.deepEqual(lane?.missing, [
      { index: 0, atMs: 0 },
      { index: 1, atMs: 200 },
      { index: 3, atMs: 600 },
      { index: 4, atMs: 800 },
    ]);
  });

  it('bounds what a wild index or a stall would draw', () => {
    const flashblocks = [record(7, 0), record(7, 60_000, { at: 14_000 + 100_000 })];
    const { lanes, spanMs } = layOut([{ block: 7, payloadId: '', leftOut: 0, flashblocks }], 1);
    assert.deepEqual([lanes[0]?.missing.length, spanMs], [16, 6000]);
  });
});

describe('status page: the order that a client sees', () => {
  it('is judged by the rules of a base node', () => {
    const at = (block: number, index: number, payloadId = 'a') => ({ block, index, payloadId });
    assert.equal(orderOf(undefined, at(7, 3)), 'first');
    assert.equal(orderOf(at(7, 3), at(7, 4)), 'next');
    assert.equal(orderOf(at(7, 3), at(8, 0, 'b')), 'next');
    assert.equal(orderOf(at(7, 3), at(7, 3)), 'repeat');
    assert.equal(orderOf(at(7, 3), at(7, 0, 'b')), 'restart');
    assert.equal(orderOf(at(7, 3), at(9, 0, 'b')), 'restart');
    assert.equal(orderOf(at(7, 3), at(7, 5)), 'broken');
    assert.equal(orderOf(at(7, 3), at(8, 1, 'b')), 'broken');
  });
});

const OPEN: LinkState = { is: 'open' };

function model(state: Partial<PageState> = {}, figures: Readonly<Record<string, number>> = {}, up?: boolean[]): Model {
  const snapshot: Snapshot = {
    ...{
      boot: 'a',
      program: 'proxy',
      id: 'one',
      version: '1',
      startedAt: 0,
      now: 0,
      stream: null,
      historySeconds: 900,
    },
    figures: Object.keys(figures) as Snapshot['figures'],
    latencies: [],
    upstreams: (up ?? []).map((_, place) => `host:1#${place.toString()}`),
    seconds: [
      {
        at: 0,
        figures: Object.values(figures),
        latencies: [],
        upstreams: (up ?? []).map((connected) => [connected ? 1 : 0, 0, 0, 0, 0]),
      },
    ],
    ...{ blocks: [], races: [], incidents: [] },
    state: { ready: true, checks: [], newestAgeMs: 100, ...state },
  };
  return new Model(snapshot);
}

describe('status page: the sentence at the top', () => {
  const title = (...of: Parameters<typeof verdict>) => {
    const { tone, title: text } = verdict(...of);
    return `${tone}: ${plain(text)}`;
  };

  it('says that all is well', () => {
    const { tone, title: text, detail } = verdict(model({}, { messages: 5.5 }, [true]), OPEN, 100);
    assert.deepEqual([tone, text, detail], ['good', 'Streaming', '5.5 flashblocks a second, whole and in order.']);
  });

  it('says that the page does not hear of the process, or is one too many', () => {
    assert.equal(title(undefined, { is: 'connecting' }, null), 'note: Connecting to the process');
    assert.equal(title(model(), { is: 'lost', sinceMs: 4200 }, 100), 'bad: No answer from the process for 4.2 s');
    assert.equal(title(undefined, { is: 'full' }, null), 'note: Too many pages are open');
  });

  it('says what is the matter', () => {
    assert.equal(title(model(), OPEN, 12_000), 'bad: The stream is silent for 12 s');
    assert.equal(title(model({ ready: false }), OPEN, null), 'bad: No message yet');
    assert.equal(title(model({}, { lost: 2 }), OPEN, 100), 'bad: Streaming, with losses');
    assert.equal(title(model({}, {}, [true, false]), OPEN, 100), 'note: Streaming');
    const draining = { ready: false, checks: [{ name: 'accepting', ok: false }] };
    assert.equal(title(model(draining), OPEN, 100), 'note: Draining');
    const failing = { ready: false, checks: [{ name: 'publisher', ok: false, detail: 'unreachable for 12 s' }] };
    assert.equal(title(model(failing), OPEN, 100), 'bad: Streaming, but not ready');
    assert.match(verdict(model(failing), OPEN, 100).detail, /^This check fails: publisher \(unreachable for 12 s\)\.$/);
  });

  it('says which upstreams are away', () => {
    assert.match(verdict(model({}, {}, [false]), OPEN, 9000).detail, /^Its upstream is not connected\.$/);
    assert.match(verdict(model({}, {}, [true, false]), OPEN, 100).detail, /1 of 2 upstreams are connected\.$/);
  });
});

describe('status page: what the page remembers', () => {
  it('learns the bounds of latencies that became known after it was opened', () => {
    const page = model();
    const latencies = [{ name: 'fanout', bounds: [0.001, 0.01] }] as const;
    const second = { at: 1000, figures: [], latencies: [[1, 3]], upstreams: [] };
    page.second({ second, upstreams: [], incidents: [], state: page.state, latencies });
    assert.deepEqual(page.latency('fanout', 60), { bounds: [0.001, 0.01], counts: [0, 3, 0] });
    page.second({ second, upstreams: [], incidents: [], state: page.state });
    assert.deepEqual(page.about.latencies, latencies);
  });

  it('is bounded as in the process', () => {
    const one = model({}, { messages: 1 });
    for (let block = 0; block < 60; block += 1)
      one.add({
        flashblocks: Array.from({ length: 80 }, (_, index) => record(block, index)),
        races: [{ id: block, block, index: 0, first: 0, behind: [] }],
        leftOut: 0,
      });
    for (let second = 1; second < 1000; second += 1)
      one.second({
        second: { at: second * 1000, figures: [second], latencies: [], upstreams: [] },
        upstreams: [],
        incidents: [{ id: second, at: 0, until: 0, level: 'note', lane: 'stream', text: 'x' }],
        state: one.state,
      });
    assert.deepEqual([one.blocks.length, one.blocks[0]?.flashblocks.length, one.blocks[0]?.leftOut], [20, 64, 16]);
    assert.deepEqual([one.series('messages').length, one.figure('messages')], [900, 999]);
    assert.deepEqual([one.incidents.length, one.incidents[0]?.id], [200, 999]);
    for (let id = 100; id < 400; id += 1)
      one.add({ flashblocks: [], races: [{ id, block: 1, index: 0, first: 0, behind: [] }], leftOut: 0 });
    assert.equal(one.races.length, 100);
  });

  it('has an incident or a race that is told again in its place', () => {
    const one = model();
    const race = { id: 1, block: 1, index: 0, first: 0, behind: [] };
    one.add({ flashblocks: [], races: [race], leftOut: 0 });
    one.add({ flashblocks: [], races: [{ ...race, behind: [[1, 2]] }], leftOut: 0 });
    assert.deepEqual(one.races, [{ ...race, behind: [[1, 2]] }]);
  });
});
