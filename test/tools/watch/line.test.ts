import assert from 'node:assert/strict';
import { formatJson, formatText, printable } from '../../../tools/watch/line.ts';

const head = { position: { blockNumber: 50_400_000, index: 3 }, payloadId: '0x03f4dcea174d9df1' };
const message = {
  encoding: 'br',
  wireBytes: 6_000,
  plainBytes: 33_000,
  flashblock: { head, transactions: 41, contentHash: '' },
} as const;
const atMs = Date.UTC(2026, 10, 23, 4, 5, 6, 789);

describe('the lines of flashcast watch', () => {
  it('are columns for people', () => {
    assert.equal(
      formatText({ message, atMs, intervalMs: 181.96 }),
      '04:05:06.789  50400000-3    0x03f4dcea174d9df1   41 txs    33000 B     6000 B br  +182.0 ms',
    );
    assert.equal(
      formatText({ message: { encoding: 'raw', wireBytes: 6, plainBytes: 6 }, atMs }),
      '04:05:06.789  no flashblock                                    6 B        6 B raw',
    );
  });

  it('are objects for programs', () => {
    assert.deepEqual(JSON.parse(formatJson({ message, atMs, intervalMs: 181.9625 })), {
      time: '2026-11-23T04:05:06.789Z',
      block: 50_400_000,
      index: 3,
      payload_id: '0x03f4dcea174d9df1',
      transactions: 41,
      plain_bytes: 33_000,
      wire_bytes: 6_000,
      encoding: 'br',
      interval_ms: 181.963,
    });
    assert.deepEqual(JSON.parse(formatJson({ message: { encoding: 'raw', wireBytes: 6, plainBytes: 6 }, atMs })), {
      time: '2026-11-23T04:05:06.789Z',
      plain_bytes: 6,
      wire_bytes: 6,
      encoding: 'raw',
    });
  });

  it('carry no control character of a server to the terminal, nor endless text', () => {
    assert.equal(printable('a\u001b[31mred\u001b]0;title\u0007\r\n\u009bz'), 'ared???z');
    assert.equal(printable('x'.repeat(500), 10), 'xxxxxxxxxx...');
    const hostile = { ...message, flashblock: { ...message.flashblock, head: { ...head, payloadId: '\u001b[2J\n' } } };
    // eslint-disable-next-line no-control-regex -- control characters are what must be absent
    assert.doesNotMatch(formatText({ message: hostile, atMs }), /[\u0000-\u001f]/);
    // eslint-disable-next-line no-control-regex -- as above
    assert.doesNotMatch(formatJson({ message: hostile, atMs }), /[\u0000-\u001f]/);
  });
});
