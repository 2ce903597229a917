import assert from 'node:assert/strict';
import { BASELINE, PROXY } from '../../bench/contestants.ts';
import type { Line, Row } from '../../bench/row.ts';
import { insertLines, renderTable } from '../../bench/table.ts';
import { judge, median } from '../../bench/verdict.ts';
import type { BenchReport } from '../../tools/bench/report.ts';

const report = (seconds: number): BenchReport => ({ seconds }) as BenchReport;
const line = (judged: Line['judged'], goal?: Line['goal']): Line => ({
  what: 'time',
  unit: 'ms',
  value: ({ seconds }) => (seconds < 0 ? undefined : seconds),
  judged,
  ...(goal && { goal }),
});
const row = (...lines: Line[]): Row => ({
  name: 'a-row',
  title: 'a case',
  contestants: [PROXY, BASELINE],
  plan: { clients: 1, messages: 1 },
  lines,
});
const PAGE = 'before\n<!-- bench table: begin -->\n<!-- bench table: end -->\nafter\n';

describe('the table of npm run bench', () => {
  it('compares each run with the one beside it', () => {
    const runs = [
      [report(1), report(2)],
      [report(30), report(40)],
      [report(9), report(10)],
    ] as const;
    const [ratio, difference, value] = judge(
      row(line('ratio', { atMost: 0.8 }), line('difference', { atMost: -2 }), line('value', { atLeast: 9 })),
      runs,
    );
    assert.deepEqual([ratio?.compared, ratio?.met, ratio?.value, ratio?.other], [0.75, true, 9, 10]);
    assert.deepEqual([difference?.compared, difference?.met], [-1, false]);
    assert.deepEqual([value?.compared, value?.met], [9, true]);
  });

  it('misses a goal where a run did not measure it', () => {
    const [verdict] = judge(row(line('ratio', { atMost: 1 })), [
      [report(1), report(1)],
      [report(1), report(-1)],
    ]);
    assert.deepEqual([verdict?.compared, verdict?.met], [undefined, false]);
  });

  it('takes the middle of an even number of values', () => {
    assert.deepEqual([median([4, 1, 3, 2]), median([5, 1, 3]), median([])], [2.5, 3, undefined]);
  });

  it('replaces the lines that were measured again, and keeps the others', () => {
    const first = judge(row(line('ratio', { atMost: 1 })), [[report(1), report(2)]]);
    const other = judge({ ...row(line('value')), title: 'another case' }, [[report(7)]]);
    const again = judge(row(line('ratio', { atMost: 1 })), [[report(6), report(3)]]);
    const page = insertLines(insertLines(insertLines(PAGE, first, 'then'), other, 'then'), again, 'now');
    assert.deepEqual(page.split('\n'), [
      'before',
      '<!-- bench table: begin -->',
      '',
      ...renderTable([...again, ...other], 'now')
        .split('\n')
        .slice(0, 2),
      '| a case | time | 6 ms | baseline 3 ms | 2.00 | <= 1 | **missed** | now |',
      '| another case | time | 7 ms | baseline not measured |  |  |  | then |',
      '',
      '<!-- bench table: end -->',
      'after',
      '',
    ]);
  });

  it('refuses a page without markers', () => {
    assert.throws(() => insertLines('text', [], 'now'), /there is no <!-- bench table: begin/);
  });
});
