import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { findContradictions } from './contradictions.ts';
import { helpText } from './help.ts';
import { readConfigFile } from './layers/config-file.ts';
import { readDotEnv, readEnvironment, type Variables } from './layers/environment.ts';
import { readFlags } from './layers/flags.ts';
import type { Source } from './layers/layer.ts';
import { printConfig } from './print-config.ts';
import type { ServingProgram } from './program.ts';
import type { SettingKey, SettingsFor } from './schema.ts';
import { validate } from './validate.ts';

/** What the settings are read from. */
export interface LoadInput {
  /** Arguments behind the program's name. */
  readonly argv: readonly string[];
  /** The environment. */
  readonly env: Variables;
  /** Working directory: holds `.env`, and relative paths start here. */
  readonly cwd: string;
  /** Names the machine in default ids; the system's own when absent. */
  readonly hostName?: string;
  /** Ends default ids; random when absent. */
  readonly randomSuffix?: string;
}

/** What came of it. Problems are all there are, each one line; texts are for standard output and end the program. */
export type LoadResult<P extends ServingProgram> =
  | {
      readonly kind: 'settings';
      readonly settings: SettingsFor<P>;
      readonly sources: Readonly<Partial<Record<SettingKey, Source>>>;
    }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }
  | { readonly kind: 'help' | 'print' | 'check'; readonly text: string };

/**
 * Reads the settings of a program: flag, environment, `--config` file, `.env`, default, the strongest first
 * (configuration, first section). Pure but for reading the files it is told to read. Never throws for any input.
 */
export function loadSettings<P extends ServingProgram>(program: P, input: LoadInput): LoadResult<P> {
  const { argv, env, cwd } = input;
  const flags = readFlags(program, argv, cwd);
  if (flags.asked.has('help')) return { kind: 'help', text: helpText(program) };

  const layers = [
    flags,
    readEnvironment(program, env, cwd),
    ...(flags.config === undefined ? [] : [readConfigFile(program, flags.config, cwd)]),
    readDotEnv(program, cwd),
  ];
  const effective = validate(program, layers, {
    hostName: input.hostName ?? hostname(),
    randomSuffix: input.randomSuffix ?? randomBytes(4).toString('hex'),
  });
  const problems = [
    ...layers.flatMap((layer) => layer.problems),
    ...effective.problems,
    ...findContradictions(program, effective),
  ];
  if (problems.length > 0) return { kind: 'problems', problems };
  if (flags.asked.has('print-config')) return { kind: 'print', text: printConfig(program, effective) };
  if (flags.asked.has('check')) return { kind: 'check', text: `The settings of flashcast ${program} are valid.\n` };
  return {
    kind: 'settings',
    // The schema has put exactly these keys in, each with its format's type.
    settings: deepFreeze(Object.fromEntries(effective.values)) as SettingsFor<P>,
    sources: Object.fromEntries([...effective.candidates].map(([key, { source }]) => [key, source])),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
