import { laterFeature } from './later.ts';
import type { ServingProgram } from './program.ts';
import { settingsOf, type NamedSetting } from './schema.ts';
import { GROUPS } from './setting.ts';

/** What each program does, in one line. */
export const PROGRAM_SUMMARIES: Readonly<Record<ServingProgram, string>> = {
  proxy: 'upstreams to clients in one process, without Redis',
  ingest: 'upstreams to one clean stream in Redis',
  edge: 'the stream in Redis to clients',
};

/** Widest line of the help text. */
const WIDTH = 110;
const INDENT = 6;

/** The help text of a program, made from the schema. */
export function helpText(program: ServingProgram): string {
  const settings = settingsOf(program);
  const working = settings.filter(({ key }) => laterFeature(key, program) === undefined);
  const later = settings.filter(({ key }) => laterFeature(key, program) !== undefined);
  return [
    `Usage: flashcast ${program} [flags]`,
    `${PROGRAM_SUMMARIES[program]}.`,
    '',
    ...wrap(
      'Each setting is taken from its flag, else from the environment, else from the --config file (YAML or JSON, names in camelCase), else from .env in the working directory, else its default holds. An empty variable counts as not set. Lists stand between commas; their flags may repeat.',
      0,
    ),
    '',
    'Command',
    ...entry('--config FILE', 'Read settings from a YAML or JSON file.'),
    ...entry('--check', 'Say whether the settings are valid, and end.'),
    ...entry('--print-config', 'Print the settings in force with their sources, secrets masked, and end.'),
    ...entry('--help', 'Print this text, and end.'),
    ...GROUPS.flatMap((group) => section(group, working, group, program)),
    ...(later.length === 0 ? [] : ['', 'Not in this release (refused unless they ask for nothing)']),
    ...later.flatMap((setting) => entry(heading(setting), laterFeature(setting.key, program)?.sentence ?? '')),
    '',
  ].join('\n');
}

function section(title: string, settings: readonly NamedSetting[], group: string, program: ServingProgram): string[] {
  const members = settings.filter((setting) => setting.group === group);
  if (members.length === 0) return [];
  return ['', title, ...members.flatMap((setting) => entry(heading(setting), describe(setting, program)))];
}

function heading(setting: NamedSetting): string {
  const names = [setting.flag, ...(setting.flagAliases ?? [])].map((name) => `--${name}`).join(', ');
  const flag = setting.format.standsAlone ? names : `${names} ${setting.format.placeholder}`;
  if (setting.flagOnly === true) return flag;
  return `${flag}  [${[setting.variable, ...(setting.aliases ?? [])].join(', ')}]`;
}

function describe(setting: NamedSetting, program: ServingProgram): string {
  const fallback = setting.defaultFor?.[program] ?? setting.default;
  const required = setting.required?.includes(program) === true;
  const file =
    setting.fromFile === true ? ` ${setting.variable}_FILE or --${setting.flag}-file names a file with it.` : '';
  const rest = required
    ? ' Required.'
    : fallback === undefined || fallback === ''
      ? ''
      : ` Default: ${typeof fallback === 'string' ? fallback : fallback.text}.`;
  return `${setting.help}${file}${rest}`;
}

function entry(head: string, text: string): string[] {
  return [`  ${head}`, ...wrap(text, INDENT)];
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(' '.repeat(indent) + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
