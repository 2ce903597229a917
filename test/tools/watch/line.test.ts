import assert from 'node:assert/strict';
import type { Facts, FlashblockFacts } from '../../../tools/watch/facts.ts';
import { describeOrder, formatJson, formatLatency, formatText } from '../../../tools/watch/line.ts';

const flashblock: FlashblockFacts = {
  position: { blockNumber: 50_400_000, index: 3 },
  payloadId: '0x03f4dcea174d9df1',
  order: 'next',
  transactions: 41,
  gasUsed: 31_415_926,
  latencyMs: 2.34567,
  sinceBlockMs: -1450,
};
const facts: Facts = {
  encoding: 'br',
  wireBytes: 6_000,
  plainBytes: 33_000,
  atMs: Date.UTC(2026, 10, 23, 4, 5, 6, 789),
  intervalMs: 181.9625,
  flashblock,
};
const other: Facts = { encoding: 'raw', wireBytes: 6, plainBytes: 6, atMs: facts.atMs };

describe('the lines of flashcast watch', () => {
  it('are columns for people', () => {
    assert.equal(
      formatText(facts),
      '04:05:06.789  50400000-3    0x03f4dcea174d9df1   41 txs    31.4M    33000 B     6000 B br  +182.0 ms  latency 2.3 ms',
    );
    assert.equal(
      formatText(other),
      '04:05:06.789  no flashblock                                             6 B        6 B raw',
    );
    assert.equal(formatText(facts).indexOf('33000'), formatText(other).indexOf('6 B') - 4, 'columns');
  });

  it('are objects for programs', () => {
    assert.deepEqual(JSON.parse(formatJson(facts)), {
      time: '2026-11-23T04:05:06.789Z',
      block: 50_400_000,
      index: 3,
      payload_id: '0x03f4dcea174d9df1',
      order: 'next',
      transactions: 41,
      gas_used: 31_415_926,
      plain_bytes: 33_000,
      wire_bytes: 6_000,
      encoding: 'br',
      interval_ms: 181.963,
      latency_ms: 2.346,
      since_block_ms: -1450,
    });
    assert.deepEqual(JSON.parse(formatJson(other)), {
      time: '2026-11-23T04:05:06.789Z',
      plain_bytes: 6,
      wire_bytes: 6,
      encoding: 'raw',
    });
  });

  it('tell the latency by the best clock there is', () => {
    const { latencyMs, sinceBlockMs, ...none } = flashblock;
    assert.equal(formatLatency({ ...none, latencyMs: latencyMs!, sinceBlockMs: sinceBlockMs! }), '2.3 ms');
    assert.equal(formatLatency({ ...none, sinceBlockMs: -1450 }), '-1.45 s');
    assert.equal(formatLatency({ ...none, sinceBlockMs: 250 }), '+0.25 s');
    assert.equal(formatLatency(none), '');
  });

  it('remark on what a base node would not simply go on with', () => {
    const expected = [{ blockNumber: 5, index: 1 }];
    assert.deepEqual(
      (['first', 'next', 'unknown', 'repeat', 'restart', 'gap', 'late'] as const).map((order) =>
        describeOrder({ ...flashblock, order, expected }),
      ),
      [
        undefined,
        undefined,
        undefined,
        '50400000-3 came again',
        'a new run begins at 50400000-3',
        'gap: expected 5-1, got 50400000-3',
        'late: expected 5-1, got 50400000-3',
      ],
    );
  });

  it('carry no control character of a server to the terminal', () => {
    const hostile = { ...facts, flashblock: { ...flashblock, payloadId: '\u001b[2J\n' } };
    // eslint-disable-next-line no-control-regex -- control characters are what must be absent
    assert.doesNotMatch(formatText(hostile), /[\u0000-\u001f]/);
    // eslint-disable-next-line no-control-regex -- as above
    assert.doesNotMatch(formatJson(hostile), /[\u0000-\u001f]/);
  });
});
