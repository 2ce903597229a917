import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Given } from '../format.ts';
import { boolean, isBooleanText } from '../formats/words.ts';
import { quote } from '../mask.ts';
import { nearestName } from '../names.ts';
import type { ServingProgram } from '../program.ts';
import { SETTINGS, type NamedSetting } from '../schema.ts';
import { LayerBuilder, namesOf, type Layer } from './layer.ts';
import { addFromFile } from './secret-file.ts';

/** Flags that are about the command and not about the program's work. */
const COMMAND_FLAGS = ['help', 'print-config', 'check'] as const;
type CommandFlag = (typeof COMMAND_FLAGS)[number];

/** What the command line asked for. */
export interface CommandLine extends Layer {
  readonly asked: ReadonlySet<CommandFlag>;
  /** Path of `--config`. */
  readonly config: string | undefined;
}

const KNOWN = namesOf(
  SETTINGS,
  (setting) => setting.flag,
  '-file',
  (setting) => setting.flagAliases ?? [],
);

/** Letters that may stand behind one dash, together and repeated, and the flags that they stand for. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['h', 'help'],
  ['q', 'quiet'],
  ['v', 'verbose'],
]);

/** Counted: each time asks for one level more, from error on, as in the reference. */
const VERBOSE = 'verbose';
const MAX_VERBOSITY = 5;

const OPTIONS: NonNullable<ParseArgsConfig['options']> = {
  ...Object.fromEntries(
    [...KNOWN].map(([flag, { setting, isFile }]) => [
      flag,
      { type: setting.format.standsAlone && !isFile ? 'boolean' : 'string' },
    ]),
  ),
  config: { type: 'string' },
  [VERBOSE]: { type: 'boolean' },
  ...Object.fromEntries(COMMAND_FLAGS.map((flag) => [flag, { type: 'boolean' }])),
};

/** One flag as it stands on the command line. */
interface Occurrence {
  /** Without dashes. */
  readonly name: string;
  /** `undefined` when it stands alone. */
  readonly value: string | undefined;
}

/** Splits arguments into flags with their values; problems for what is neither. */
function occurrences(program: ServingProgram, argv: readonly string[], problems: string[]): Occurrence[] {
  const args = argv.map((argument, index) => {
    // The parser takes whatever follows as a flag's value, also the next flag: an empty value keeps it off.
    if (takesText(argument) && argv[index + 1]?.startsWith('--') === true) return `${argument}=`;
    // It would read `-listen-addr` as a dozen of short flags: a lone dash hides it.
    return isShort(argument) && !takesText(argv[index - 1] ?? '') ? '-' : argument;
  });
  const { tokens } = parseArgs({
    args,
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const found: Occurrence[] = [];
  const taken = new Set<number>();
  for (const token of tokens) {
    if (taken.has(token.index) || token.kind === 'option-terminator') continue;
    const argument = argv[token.index] ?? '';
    const letters = lettersOf(argument);
    if (letters.length > 0) {
      for (const name of letters) found.push({ name, value: undefined });
    } else if (token.kind === 'option') {
      found.push({ name: token.name, value: token.value ?? followingValue(token.name, token.index, argv, taken) });
    } else if (isShort(argument)) {
      if (argv[token.index + 1]?.startsWith('-') === false) taken.add(token.index + 1);
      problems.push(unknownFlag(program, '-', argument.slice(1).split('=', 1)[0] ?? ''));
    } else {
      // Not shown: it may be the second half of a secret that was not quoted.
      problems.push(`argument ${token.index + 1}: not a flag; expected values to follow their flag or a =`);
    }
  }
  return found;
}

function isShort(argument: string): boolean {
  return /^-[^-]/.test(argument);
}

/** @returns the flags of a dash with letters; none when one of the letters is unknown */
function lettersOf(argument: string): readonly string[] {
  if (!isShort(argument)) return [];
  const names = Array.from(argument.slice(1), (letter) => LETTERS.get(letter));
  return names.every((name) => name !== undefined) ? names : [];
}

function takesText(argument: string): boolean {
  const name = argument.slice(2);
  return argument.startsWith('--') && Object.hasOwn(OPTIONS, name) && OPTIONS[name]?.type === 'string';
}

/** A boolean flag takes the argument behind it when that reads as a boolean; an unknown flag takes any that is no flag. */
function followingValue(name: string, index: number, argv: readonly string[], taken: Set<number>): string | undefined {
  const next = argv[index + 1];
  if (next === undefined) return undefined;
  if (isBooleanText(next) ? OPTIONS[name]?.type !== 'string' : !Object.hasOwn(OPTIONS, name) && !next.startsWith('-')) {
    taken.add(index + 1);
    return next;
  }
  return undefined;
}

/** Reads a program's flags. A flag that the program does not take is a problem, whoever else takes it. */
export function readFlags(program: ServingProgram, argv: readonly string[], cwd: string): CommandLine {
  const builder = new LayerBuilder('flag');
  const values = new Map<string, string[]>();
  for (const { name, value } of occurrences(program, argv, builder.problems)) {
    const given = values.get(name) ?? [];
    values.set(name, given);
    const problem = checkUse(program, name, value, given.length);
    if (problem === undefined) given.push(value ?? 'true');
    else builder.problems.push(problem);
  }
  const asked = new Set<CommandFlag>();
  for (const flag of COMMAND_FLAGS) {
    const [text] = values.get(flag) ?? [];
    const parsed = text === undefined ? undefined : boolean.parse(text);
    if (parsed?.ok === false) builder.problems.push(`--${flag}: expected ${parsed.expected}`);
    else if (parsed?.value === true) asked.add(flag);
  }
  for (const [flag, { setting, isFile }] of KNOWN) {
    const given = values.get(flag) ?? [];
    const [first] = given;
    if (first === undefined) continue;
    if (isFile) addFromFile(builder, setting, first, `--${flag}`, cwd);
    else builder.add(setting, joined(setting, given, first), `--${flag}`);
  }
  addVerbosity(builder, values.get(VERBOSE)?.length ?? 0);
  return { candidates: builder.candidates, problems: builder.problems, asked, config: values.get('config')?.[0] };
}

function addVerbosity(builder: LayerBuilder, times: number): void {
  const setting = SETTINGS.find(({ key }) => key === 'logLevel');
  if (times > 0 && setting !== undefined) builder.add(setting, String(Math.min(times, MAX_VERBOSITY)), '-v');
}

function joined(setting: NamedSetting, given: readonly string[], first: string): Given {
  return setting.format.isList ? given.join(',') : first;
}

/** @returns what is wrong with one use of a flag, whatever its value */
function checkUse(
  program: ServingProgram,
  name: string,
  value: string | undefined,
  earlier: number,
): string | undefined {
  const known = KNOWN.get(name);
  if (known === undefined && !Object.hasOwn(OPTIONS, name)) return unknownFlag(program, '--', name);
  if (known !== undefined && !known.setting.programs.includes(program)) {
    return `--${name}: not a flag of ${program}; it belongs to ${known.setting.programs.join(' and ')}`;
  }
  if (value === '' || (value === undefined && OPTIONS[name]?.type === 'string')) return `--${name}: expected a value`;
  const repeats = name === VERBOSE || (known !== undefined && !known.isFile && known.setting.format.isList);
  return earlier > 0 && !repeats ? `--${name}: given more than once` : undefined;
}

function unknownFlag(program: ServingProgram, dashes: string, name: string): string {
  const mine = [...KNOWN].filter(([, { setting }]) => setting.programs.includes(program)).map(([flag]) => flag);
  const shown = quote(`${dashes}${name}`).slice(1, -1);
  const negated = name.startsWith('no-') ? KNOWN.get(name.slice(3)) : undefined;
  if (negated?.setting.format.standsAlone === true) {
    return `${shown}: unknown flag; did you mean --${negated.setting.flag}=false?`;
  }
  const nearest = nearestName(name.replaceAll('_', '-').toLowerCase(), [...mine, 'config', ...COMMAND_FLAGS]);
  return `${shown}: unknown flag${nearest === undefined ? '; --help lists them all' : `; did you mean --${nearest}?`}`;
}
