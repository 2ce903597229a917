import { describeFlags, parseFlags } from '../tools/flags.ts';
import type { Row } from './row.ts';

const FLAGS = {
  row: {
    kind: 'list',
    pattern: /^[\w-]+$/,
    expected: 'the name of a row',
    max: 100,
    help: 'this row only; may come again',
  },
  repeat: { kind: 'number', min: 1, max: 101, initial: 5, help: 'runs of each program, of which the median counts' },
  quick: { kind: 'switch', help: 'one run of each' },
  smoke: { kind: 'switch', help: 'some rows with few clients, to see that all of it works; nothing is judged' },
  soak: {
    kind: 'duration',
    max: 24 * 3_600_000,
    help: 'no rows: 2,000 clients for so long, at least 6m, some of which come and go; memory must not grow',
  },
  write: { kind: 'switch', help: 'store the lines in docs/performance.md' },
} as const;

/** Of six minutes four are looked at: fewer say nothing about a slope. */
const MIN_SOAK_MS = 360_000;

export interface RunOptions {
  readonly rows: readonly Row[];
  readonly repeat: number;
  readonly smoke: boolean;
  readonly write: boolean;
}

export type RunCommand =
  | { readonly kind: 'run'; readonly options: RunOptions }
  | { readonly kind: 'soak'; readonly durationMs: number }
  | { readonly kind: 'help' | 'refused'; readonly text: string };

function usage(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
  return `Usage: npm run bench -- [flags]

Measures flashcast against the obvious program (bench/programs/baseline.ts) and against itself, in turns, and prints a table.
docs/performance.md says what the rows mean.

${describeFlags(FLAGS)}
  -h, --help

Rows
${rows.map(({ name, title }) => `  ${name.padEnd(width)}${title}`).join('\n')}
`;
}

/** Reads the command line of `npm run bench`. */
export function readRunCommand(argv: readonly string[], rows: readonly Row[]): RunCommand {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) return { kind: 'help', text: usage(rows) };
  const unknown = values.row.filter((name) => !rows.some((row) => row.name === name));
  const wrong = [
    ...problems,
    ...unknown.map((name) => `--row: there is no row ${name}; there are ${rows.map((row) => row.name).join(', ')}`),
    ...positionals.map((text) => `expected flags only, received ${JSON.stringify(text)}`),
    ...(values.soak !== undefined && values.soak < MIN_SOAK_MS ? ['--soak: expected at least 6m'] : []),
    ...(values.smoke && values.write ? ['--write: a smoke run measures nothing'] : []),
  ];
  if (wrong.length > 0) return { kind: 'refused', text: `${wrong.join('\n')}\n` };
  if (values.soak !== undefined) return { kind: 'soak', durationMs: values.soak };
  const { row: names, smoke, write, quick, repeat } = values;
  const chosen = rows.filter(({ name, smoke: inSmoke }) =>
    names.length > 0 ? names.includes(name) : !smoke || inSmoke === true,
  );
  return { kind: 'run', options: { rows: chosen, repeat: quick || smoke ? 1 : repeat, smoke, write } };
}
