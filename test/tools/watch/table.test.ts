import assert from 'node:assert/strict';
import type { Facts } from '../../../tools/watch/facts.ts';
import { painter } from '../../../tools/watch/paint.ts';
import { Table, type TableState } from '../../../tools/watch/table.ts';

const NOW = Date.UTC(2026, 10, 23, 4, 5, 6, 789);
const stats = { messages: 7, wireBytes: 1, plainBytes: 1, gaps: 1, repeats: 0, restarts: 0, reconnects: 2 };
const state: TableState = { host: 'edge.example:8545', connected: true, stats, elapsedMs: 3_725_000, nowMs: NOW };
const plain = painter(false);

function facts(index: number, more: Partial<NonNullable<Facts['flashblock']>> = {}): Facts {
  return {
    encoding: 'br',
    wireBytes: 6_000,
    plainBytes: 33_000,
    atMs: NOW,
    intervalMs: 182.04,
    flashblock: {
      position: { blockNumber: 50_400_000, index },
      payloadId: '0x03f4dcea174d9df1',
      order: 'next',
      transactions: 41,
      gasUsed: 31_415_926,
      latencyMs: 2.3,
      ...more,
    },
  };
}

describe('the table of flashcast watch', () => {
  it('shows the stream, the newest messages, and gaps between them', () => {
    const table = new Table();
    table.add(facts(1));
    table.add(facts(4, { order: 'gap', expected: [{ blockNumber: 50_400_000, index: 2 }] }));
    assert.deepEqual(table.lines(120, 10, state, plain), [
      'edge.example:8545  connected  01:02:05  gaps 1  repeats 0  reconnects 2  0.2/s  1.2 kB/s  7 messages',
      'time               block  index  payload               txs      gas      size   on wire  as          interval    latency',
      '04:05:06.789    50400000      1  0x03f4dcea174d9df1     41    31.4M   33.0 kB    6.0 kB  br          182.0 ms     2.3 ms',
      '── gap: expected 50400000-2, got 50400000-4',
      '04:05:06.789    50400000      4  0x03f4dcea174d9df1     41    31.4M   33.0 kB    6.0 kB  br          182.0 ms     2.3 ms',
    ]);
  });

  it('is never wider or higher than the terminal, and shows the newest', () => {
    const table = new Table();
    for (let index = 0; index < 40; index++) table.add(facts(index));
    table.note('x'.repeat(300), 'warn');
    for (const columns of [1, 5, 20, 40, 60, 79, 80, 100, 200])
      for (const rows of [1, 2, 3, 24]) {
        const lines = table.lines(columns, rows, state, plain);
        assert.ok(lines.length <= rows, `${lines.length} lines of ${rows}`);
        for (const line of lines) assert.ok(line.length <= columns, `${line.length} of ${columns}: ${line}`);
        if (rows > 3 && columns > 40) assert.ok(lines.some((line) => line.includes(' 39 ')));
      }
  });

  it('keeps block, index, transactions and the interval where there is little room', () => {
    const table = new Table();
    table.add(facts(3));
    assert.match(table.lines(36, 5, state, plain)[2]!, /^ *50400000 +3 +41 +182\.0 ms$/);
  });

  it('goes on with a note in further lines, between its words, and shows its end where there is no room for all', () => {
    const table = new Table();
    table.add(facts(3));
    table.note('connect ECONNREFUSED 127.0.0.1:18546; again in 0.4 s', 'warn');
    assert.deepEqual(table.lines(40, 5, state, plain).slice(-2), [
      '── connect ECONNREFUSED 127.0.0.1:18546;',
      '   again in 0.4 s',
    ]);
    assert.equal(table.lines(40, 3, state, plain).at(-1), '   again in 0.4 s');
  });

  it("shows the time since the block's own while no message carries a stamp", () => {
    const table = new Table();
    const unstamped = { ...facts(3).flashblock!, sinceBlockMs: -1640 };
    delete unstamped.latencyMs;
    table.add({ ...facts(3), flashblock: unstamped });
    const [, title, row] = table.lines(80, 5, state, plain);
    assert.match(title!, / block age$/);
    assert.match(row!, / -1\.64 s$/);
    table.add(facts(4));
    assert.match(table.lines(100, 5, state, plain)[1]!, / latency$/);
  });

  it('keeps a bounded number of rows', () => {
    const table = new Table();
    for (let index = 0; index < 2000; index++) table.add(facts(index));
    assert.equal(table.lines(120, 10_000, state, plain).length, 2 + 500);
  });

  it('uses colours only where there are any', () => {
    const table = new Table();
    table.add(facts(0));
    table.note('closed', 'bad');
    assert.ok(!table.lines(120, 9, state, plain).join('').includes('\u001b'));
    const painted = table.lines(120, 9, { ...state, connected: false }, painter(true));
    assert.ok(painted[0]!.includes('\u001b[31mnot connected\u001b[0m'));
    assert.ok(painted.at(-1)!.startsWith('\u001b[31m'));
  });

  it('carries no control character of a server to the terminal', () => {
    const table = new Table();
    table.add(facts(0, { payloadId: '\u001b[2J\u0007' }));
    table.note('\u001b[2Jclosed\n', 'plain');
    // eslint-disable-next-line no-control-regex -- control characters are what must be absent
    for (const line of table.lines(120, 9, state, plain)) assert.doesNotMatch(line, /[\u0000-\u001f]/);
  });
});
