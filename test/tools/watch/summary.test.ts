import assert from 'node:assert/strict';
import { formatBytes, Intervals, summarize } from '../../../tools/watch/summary.ts';

const facts = { encoding: 'text', wireBytes: 1, plainBytes: 1, atMs: 0 } as const;
const stats = { messages: 1, wireBytes: 900, plainBytes: 4_000_000, gaps: 0, repeats: 1, restarts: 0, reconnects: 2 };

describe('the summary of flashcast watch', () => {
  it('tells what was seen', () => {
    const intervals = new Intervals();
    assert.equal(
      summarize(stats, intervals, 61.23),
      '1 message in 61.2 s, 4.0 MB (900 B on the wire), 0 gaps, 1 repeat, 2 reconnects',
    );
    for (const intervalMs of [180, 182, 182, 182, 400]) intervals.add({ ...facts, intervalMs });
    intervals.add(facts);
    assert.match(
      summarize({ ...stats, messages: 6, restarts: 1 }, intervals, 1),
      /^6 messages in 1\.0 s, .*, 1 restart, 2 reconnects, intervals p50 182\.\d ms, p99 400\.\d ms, max 400\.\d ms$/,
    );
  });

  it('counts a pause of hours as one', () => {
    const intervals = new Intervals();
    intervals.add({ ...facts, intervalMs: 1e9 });
    intervals.add({ ...facts, intervalMs: 0 });
    assert.match(intervals.text!, /max 36\d{5}\.\d ms$/);
  });

  it('tells no percentile above the longest', () => {
    for (const intervalMs of [198.3, 216.1, 243]) {
      const intervals = new Intervals();
      intervals.add({ ...facts, intervalMs });
      const [p50, p99, max] = [...intervals.text!.matchAll(/[\d.]+(?= ms)/g)].map(Number);
      assert.ok(p50! <= max! && p99! <= max!, intervals.text);
    }
  });

  it('names bytes in the unit that people would use', () => {
    assert.deepEqual([999, 1000, 999_949, 1e6, 25e8].map(formatBytes), [
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '2.50 GB',
    ]);
  });
});
