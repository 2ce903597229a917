import { readVersion } from '../shared/version.ts';
import { isServingProgram, isTool, PROGRAMS, TOOLS } from './programs.ts';
import type { HostProcess } from './serve.ts';
import { USAGE_STATUS, unknownProgram, usageText } from './usage.ts';

/** What a command is run in; `process` is one. */
export interface CommandHost extends HostProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  cwd(): string;
}

/**
 * Runs the command of `args`, the program's name first.
 *
 * @returns the exit status
 */
export async function runCommand(args: readonly string[], host: CommandHost): Promise<number> {
  const [name, ...argv] = args;
  if (isVersionFlag(name)) return printVersion(host);
  if (name === '--help' || name === '-h' || name === 'help') {
    host.stdout.write(usageText());
    return 0;
  }
  if (name === undefined) {
    host.stderr.write(usageText());
    return USAGE_STATUS;
  }
  if (argv.length === 1 && isVersionFlag(argv[0])) return printVersion(host);
  if (isTool(name)) return (await TOOLS[name]())(argv);
  if (isServingProgram(name)) {
    const { runProgram } = await import('./run-program.ts');
    return runProgram(name, argv, host, PROGRAMS[name]);
  }
  host.stderr.write(unknownProgram(name));
  return USAGE_STATUS;
}

function isVersionFlag(argument: string | undefined): boolean {
  return argument === '--version' || argument === '-V';
}

/** @returns the exit status */
function printVersion(host: CommandHost): number {
  const { version, revision } = readVersion();
  host.stdout.write(`flashcast ${version} (${revision})\n`);
  return 0;
}
