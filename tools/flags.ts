/**
 * Command lines of the tools: flags from one table, every problem listed at once, `--help` printed from the same table.
 * Settings of the programs proper (proxy, ingest, edge) are `shared/config`'s business.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { flagName, nearestName } from '../shared/config/names.ts';

interface Described {
  readonly help: string;
}
export interface NumberFlag extends Described {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly initial?: number;
}
/** A time with its unit, `500ms`, `30s`, `15m`; its value is in milliseconds. */
export interface DurationFlag extends Described {
  readonly kind: 'duration';
  /** Milliseconds, as the next. */
  readonly max: number;
  readonly initial?: number;
}
/** A share from 0 to 1. */
export interface RateFlag extends Described {
  readonly kind: 'rate';
  readonly initial: number;
}
export interface ChoiceFlag<Choice extends string = string> extends Described {
  readonly kind: 'choice';
  readonly choices: readonly Choice[];
  readonly initial?: Choice;
}
export interface TextFlag extends Described {
  readonly kind: 'text';
  readonly initial?: string;
}
/** May come several times; each time adds a value. */
export interface ListFlag extends Described {
  readonly kind: 'list';
  /** What each value must be. */
  readonly pattern: RegExp;
  readonly expected: string;
  /** Values at most. */
  readonly max: number;
}
export interface SwitchFlag extends Described {
  readonly kind: 'switch';
}
export type Flag = NumberFlag | DurationFlag | RateFlag | ChoiceFlag | TextFlag | ListFlag | SwitchFlag;
/** Flags by the camelCase of their names: `stallMs` is `--stall-ms`. */
export type Flags = Readonly<Record<string, Flag>>;

type Optional<F, Value> = F extends { readonly initial: unknown } ? Value : Value | undefined;
type ValueOf<F extends Flag> = F extends NumberFlag
  ? Optional<F, number>
  : F extends DurationFlag
    ? Optional<F, number>
    : F extends RateFlag
      ? number
      : F extends ChoiceFlag<infer Choice>
        ? Optional<F, Choice>
        : F extends TextFlag
          ? Optional<F, string>
          : F extends ListFlag
            ? readonly string[]
            : boolean;
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

export interface ParsedFlags<F extends Flags> {
  readonly values: FlagValues<F>;
  readonly positionals: readonly string[];
  /** `--help` or `-h` was there. */
  readonly help: boolean;
  /** One sentence each; empty when everything is right. */
  readonly problems: readonly string[];
}

const UNITS = { ms: 1, s: 1000, m: 60_000 } as const;

/** @param ms whole milliseconds */
function formatDuration(ms: number): string {
  if (ms % UNITS.m === 0 && ms > 0) return `${ms / UNITS.m}m`;
  return ms % UNITS.s === 0 ? `${ms / UNITS.s}s` : `${ms}ms`;
}

function readDuration(text: string, max: number): number | undefined {
  const [, number, unit = ''] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  const ms = Number(number) * UNITS[unit as keyof typeof UNITS];
  return ms <= max ? ms : undefined;
}

function expectation(flag: Flag): string {
  switch (flag.kind) {
    case 'number':
      return `a whole number from ${flag.min} to ${flag.max}`;
    case 'duration':
      return `a time up to ${formatDuration(flag.max)} with its unit: 500ms, 30s, 15m`;
    case 'rate':
      return 'a share from 0 to 1';
    case 'choice':
      return `one of ${flag.choices.join(', ')}`;
    case 'text':
      return 'a value';
    case 'list':
      return flag.expected;
    case 'switch':
      return 'no value';
  }
}

function readValue(flag: Flag, text: string | undefined): string | number | boolean | undefined {
  if (flag.kind === 'switch') return text === undefined ? true : undefined;
  if (text === undefined || text === '') return undefined;
  if (flag.kind === 'text') return text;
  if (flag.kind === 'list') return flag.pattern.test(text) ? text : undefined;
  if (flag.kind === 'duration') return readDuration(text, flag.max);
  if (flag.kind === 'choice') return flag.choices.includes(text) ? text : undefined;
  if (!(flag.kind === 'number' ? /^\d+$/ : /^\d*\.?\d+$/).test(text)) return undefined;
  const value = Number(text);
  const [min, max] = flag.kind === 'number' ? [flag.min, flag.max] : [0, 1];
  return value >= min && value <= max ? value : undefined;
}

function initialOf(flag: Flag): string | number | boolean | string[] | undefined {
  if (flag.kind === 'switch') return false;
  if (flag.kind === 'list') return [];
  return 'initial' in flag ? flag.initial : undefined;
}

/** The beginning of a flag's name is taken for that flag, as is a slip of the hand. */
function hintFor(name: string, names: readonly string[]): string {
  const meant = names.find((known) => known.startsWith(name)) ?? nearestName(name, names);
  return meant === undefined ? '' : `; did you mean --${meant}?`;
}

/** Parses a command line against a table of flags. Of a flag that comes twice the last counts, unless it is a list. */
export function parseFlags<const F extends Flags>(argv: readonly string[], flags: F): ParsedFlags<F> {
  const byName = new Map(Object.entries<Flag>(flags).map(([key, flag]) => [flagName(key), { key, flag }]));
  const options: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { flag }] of byName) options[name] = { type: flag.kind === 'switch' ? 'boolean' : 'string' };
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const values: Record<string, string | number | boolean | string[] | undefined> = {};
  for (const { key, flag } of byName.values()) values[key] = initialOf(flag);
  const positionals: string[] = [];
  const problems: string[] = [];
  const full = new Set<string>();
  let help = false;
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') {
      help = true;
      continue;
    }
    const known = byName.get(token.name);
    if (known === undefined) {
      problems.push(`${token.rawName}: unknown flag${hintFor(token.name, [...byName.keys(), 'help'])}`);
      continue;
    }
    const value = readValue(known.flag, token.value);
    if (value === undefined) {
      const received = token.value === undefined ? 'nothing' : JSON.stringify(token.value);
      problems.push(`--${token.name}: expected ${expectation(known.flag)}, received ${received}`);
      continue;
    }
    const list = values[known.key];
    if (known.flag.kind !== 'list' || !Array.isArray(list)) values[known.key] = value;
    else if (list.length < known.flag.max) list.push(String(value));
    else if (!full.has(token.name)) {
      full.add(token.name);
      problems.push(`--${token.name}: expected at most ${known.flag.max} times`);
    }
  }
  return { values: values as FlagValues<F>, positionals, help, problems };
}

/** The flags' part of a help text, a line each. */
export function describeFlags(flags: Flags): string {
  const rows = Object.entries(flags).map(([key, flag]) => {
    const value =
      flag.kind === 'switch'
        ? ''
        : flag.kind === 'choice'
          ? ` ${flag.choices.join('|')}`
          : flag.kind === 'text' || flag.kind === 'list'
            ? ' VALUE'
            : flag.kind === 'rate'
              ? ' RATE'
              : flag.kind === 'duration'
                ? ' TIME'
                : ' N';
    const initial =
      flag.kind === 'duration' && flag.initial !== undefined ? formatDuration(flag.initial) : initialOf(flag);
    const remark = 'initial' in flag ? ` (default ${String(initial)})` : '';
    return [`  --${flagName(key)}${value}`, `${flag.help}${remark}`] as const;
  });
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => name.padEnd(width) + text).join('\n');
}
