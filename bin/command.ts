import { loadSettings } from '../shared/config/load.ts';
import type { ServingProgram } from '../shared/config/program.ts';
import { createLogger } from '../shared/log.ts';
import { PROGRAMS, TOOLS, type CreateProgram, type Tool } from './programs.ts';
import { serve, type HostProcess } from './serve.ts';
import { unknownProgram, usageText } from './usage.ts';
import { readVersion } from './version.ts';

/** Exit status of a command that was given wrongly. */
const USAGE_STATUS = 2;

/** What a command is run in; `process` is one. */
export interface CommandHost extends HostProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  cwd(): string;
}

/** Runs the command of `args`, the program's name first. @returns the exit status */
export async function runCommand(args: readonly string[], host: CommandHost): Promise<number> {
  const [name, ...argv] = args;
  if (name === '--version' || name === '-V') {
    host.stdout.write(`${readVersion()}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    host.stdout.write(usageText());
    return 0;
  }
  if (name === undefined) {
    host.stderr.write(usageText());
    return USAGE_STATUS;
  }
  if (isKey(TOOLS, name)) return (await TOOLS[name satisfies Tool]())(argv);
  if (isKey(PROGRAMS, name)) return runProgram(name, argv, host, PROGRAMS[name]);
  host.stderr.write(unknownProgram(name));
  return USAGE_STATUS;
}

function isKey<T extends object>(table: T, name: string): name is keyof T & string {
  return Object.hasOwn(table, name);
}

/**
 * Loads a program's settings and serves with them. Wrong settings end it with status 2 and every problem on standard error.
 *
 * @param load imports the program; called only when its settings are right
 */
export async function runProgram<P extends ServingProgram>(
  name: P,
  argv: readonly string[],
  host: CommandHost,
  load: () => Promise<CreateProgram<P>>,
): Promise<number> {
  const loaded = loadSettings(name, { argv, env: host.env, cwd: host.cwd() });
  if (loaded.kind === 'problems') {
    const count = loaded.problems.length;
    const head = `flashcast ${name}: ${count} ${count === 1 ? 'problem' : 'problems'} in its settings`;
    host.stderr.write(`${[head, ...loaded.problems.map((problem) => `  ${problem}`)].join('\n')}\n`);
    return USAGE_STATUS;
  }
  if (loaded.kind !== 'settings') {
    host.stdout.write(loaded.text);
    return 0;
  }
  const create = await load();
  const log = createLogger(loaded.settings);
  return serve(create(loaded.settings, log), log, host);
}
