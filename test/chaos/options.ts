import { parseArgs } from 'node:util';
import { BUGS, isBugName, type BugName } from './bugs.ts';
import type { Row } from './row.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly rows: readonly Row[];
  /** Time in which rows are drawn and run again and again; `undefined`: each row once. */
  readonly forMs: number | undefined;
  readonly bug: BugName | undefined;
  /** File that gets the table. */
  readonly report: string | undefined;
}

export const USAGE = `npm run test:chaos -- [options]
  --seed N       the schedule; drawn and printed where it is not given
  --row NAME     this row only; may be given again
  --seconds N    draw rows until the time is up, at least one and no long ones
  --minutes N    draw all rows until the time is up, as a soak
  --report FILE  write the table into FILE, between its markers
  --bug NAME     run a build with a bug, which must fail: ${Object.keys(BUGS).join(', ')}`;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name} ${text} is no whole number from ${least} on`);
  return value;
}

/**
 * Reads the command line.
 *
 * @param drawnSeed the seed where none is given
 * @throws UsageError
 */
export function readOptions(args: readonly string[], rows: readonly Row[], drawnSeed: number): ChaosOptions {
  const { seed, row = [], seconds, minutes, report, bug } = parse(args);
  const unknown = row.find((name) => !rows.some((known) => known.name === name));
  if (unknown !== undefined)
    throw new UsageError(`there is no row ${unknown}; there are ${rows.map(({ name }) => name).join(', ')}`);
  if (bug !== undefined && !isBugName(bug)) throw new UsageError(`there is no bug ${bug}`);
  if (seconds !== undefined && minutes !== undefined) throw new UsageError('--seconds or --minutes, not both');
  return {
    seed: seed === undefined ? drawnSeed : wholeNumber('seed', seed, 0),
    rows: rows.filter(({ name, long }) =>
      row.length > 0 ? row.includes(name) : seconds === undefined || long !== true,
    ),
    forMs:
      seconds !== undefined
        ? 1000 * wholeNumber('seconds', seconds, 1)
        : minutes !== undefined
          ? 60_000 * wholeNumber('minutes', minutes, 1)
          : undefined,
    bug,
    report,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      options: { seed: text, row: { ...text, multiple: true }, seconds: text, minutes: text, report: text, bug: text },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
