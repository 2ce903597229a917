/** The table, as docs/performance.md keeps it. */
import type { LineVerdict } from './verdict.ts';

const BEGIN = '<!-- bench table: begin -->';
const END = '<!-- bench table: end -->';
const HEAD = [
  '| case | measured | flashcast | compared with | ratio | goal | | when |',
  '| --- | --- | ---: | ---: | ---: | ---: | --- | --- |',
];

function number(value: number | undefined, unit: string): string {
  if (value === undefined) return 'not measured';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`.trim();
}

function goalText({ line: { goal, judged, unit } }: LineVerdict): string {
  if (goal === undefined) return '';
  const [sign, bound] = 'atMost' in goal ? (['<=', goal.atMost] as const) : (['>=', goal.atLeast] as const);
  return `${sign} ${number(bound, judged === 'ratio' ? '' : unit)}`;
}

function comparedText({ line: { judged, unit }, compared, value, other }: LineVerdict): string {
  if (judged === 'difference') return compared === undefined ? '' : number(compared, unit);
  const ratio = judged === 'ratio' ? compared : value !== undefined && other !== undefined ? value / other : undefined;
  return ratio === undefined || !Number.isFinite(ratio) ? '' : ratio.toFixed(2);
}

/** The cells that name a line, by which it is found again. */
function nameOf({ row, line }: LineVerdict): string {
  return `| ${row.title} | ${line.what} |`;
}

/** @param when and on what it was measured */
function renderLine(verdict: LineVerdict, when: string): string {
  const { row, line, value, other, met } = verdict;
  const otherName = row.contestants[1]?.name;
  const cells = [
    number(value, line.unit),
    otherName === undefined ? '' : `${otherName} ${number(other, line.unit)}`,
    comparedText(verdict),
    goalText(verdict),
    met === undefined ? '' : met ? 'met' : '**missed**',
    when,
  ];
  return `${nameOf(verdict)} ${cells.join(' | ')} |`;
}

export function renderTable(verdicts: readonly LineVerdict[], when: string): string {
  return [...HEAD, ...verdicts.map((verdict) => renderLine(verdict, when))].join('\n');
}

/**
 * Puts lines into the table between the two markers of a text: those that were measured again are replaced, the others stay.
 *
 * @throws Error where the text has no markers
 */
export function insertLines(text: string, verdicts: readonly LineVerdict[], when: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`there is no ${BEGIN} ... ${END}`);
  const old = text.slice(begin + BEGIN.length, end).split('\n');
  const lines = old.filter((line) => line.startsWith('| ') && !HEAD.includes(line));
  for (const verdict of verdicts) {
    const at = lines.findIndex((line) => line.startsWith(nameOf(verdict)));
    lines.splice(at === -1 ? lines.length : at, at === -1 ? 0 : 1, renderLine(verdict, when));
  }
  return `${text.slice(0, begin + BEGIN.length)}\n\n${[...HEAD, ...lines].join('\n')}\n\n${text.slice(end)}`;
}
