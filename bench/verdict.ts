import type { BenchReport } from '../tools/bench/report.ts';
import type { Line, Row } from './row.ts';

/** What the runs of a row say about one of its lines. */
export interface LineVerdict {
  readonly row: Row;
  readonly line: Line;
  /** Medians, of the contestant that is judged and of the other one; `undefined` where a run did not measure it. */
  readonly value: number | undefined;
  readonly other: number | undefined;
  /** The median of what the runs' pairs gave: ratio or difference. */
  readonly compared: number | undefined;
  /** `undefined` where there is no goal. */
  readonly met: boolean | undefined;
}

/** @returns `undefined` where there are no values, or one is not there */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((one, other) => one - other);
  if (known.length < values.length) return undefined;
  const middle = known.length >> 1;
  const upper = known[middle];
  const lower = known.length % 2 === 0 ? known[middle - 1] : upper;
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

function compare(judged: Line['judged'], value: number | undefined, other: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (judged === 'value') return value;
  if (other === undefined) return undefined;
  return judged === 'ratio' ? value / other : value - other;
}

function isMet(goal: Line['goal'], compared: number | undefined): boolean | undefined {
  if (goal === undefined) return undefined;
  if (compared === undefined) return false;
  return 'atMost' in goal ? compared <= goal.atMost : compared >= goal.atLeast;
}

/**
 * Judges a row. Machines change from minute to minute, so that each run is compared with the one beside it.
 *
 * @param runs of the two contestants, in pairs
 */
export function judge(row: Row, runs: readonly (readonly [BenchReport, BenchReport?])[]): readonly LineVerdict[] {
  return row.lines.map((line) => {
    const pairs = runs.map(([one, other]) => [line.value(one), other && line.value(other)] as const);
    const compared = median(pairs.map(([one, other]) => compare(line.judged, one, other)));
    return {
      row,
      line,
      value: median(pairs.map(([one]) => one)),
      other: median(pairs.map(([, other]) => other)),
      compared,
      met: isMet(line.goal, compared),
    };
  });
}
