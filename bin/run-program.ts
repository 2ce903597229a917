import { loadSettings } from '../shared/config/load.ts';
import type { ServingProgram } from '../shared/config/program.ts';
import { SettingsError } from '../shared/config/settings-error.ts';
import { createLogger, type Logger, type LogOptions } from '../shared/log.ts';
import type { CommandHost } from './command.ts';
import type { CreateProgram } from './programs.ts';
import { serve, type Lifecycle } from './serve.ts';
import { USAGE_STATUS } from './usage.ts';

/**
 * Loads a program's settings and serves with them. Wrong settings end it with every problem on standard error.
 *
 * @param load imports the program; called only when its settings are right
 * @returns the exit status
 */
export async function runProgram<P extends ServingProgram>(
  name: P,
  argv: readonly string[],
  host: CommandHost,
  load: () => Promise<CreateProgram<P>>,
): Promise<number> {
  const loaded = loadSettings(name, { argv, env: host.env, cwd: host.cwd() });
  if (loaded.kind === 'problems') return refuseSettings(name, loaded.problems, host);
  if (loaded.kind !== 'settings') {
    host.stdout.write(loaded.text);
    return 0;
  }
  const create = await load();
  let log: Logger | undefined;
  let program: Lifecycle;
  try {
    // Every program has the settings of its log; the compiler does not look into those of a program it does not know.
    log = createLogger(loaded.settings as LogOptions);
    program = create(loaded.settings, log);
  } catch (error) {
    if (error instanceof SettingsError) return refuseSettings(name, error.problems, host);
    if (log === undefined) throw error;
    log.fatal({ err: error }, 'start failed');
    return 1;
  }
  return serve(program, log, host);
}

function refuseSettings(name: ServingProgram, problems: readonly string[], host: CommandHost): number {
  const head = `flashcast ${name}: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in its settings`;
  host.stderr.write(`${[head, ...problems.map((problem) => `  ${problem}`)].join('\n')}\n`);
  return USAGE_STATUS;
}
