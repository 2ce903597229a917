import { helpText } from '../../shared/config/help.ts';
import { SERVING_PROGRAMS } from '../../shared/config/program.ts';
import { parseFlags } from '../flags.ts';
import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';
import { flagsOfHelp } from './flags-of-help.ts';
import { SHELLS, completionScript, type Completed, type Shell } from './scripts.ts';

/** Help texts of the tools. */
const TOOL_HELPS: Readonly<Record<string, () => Promise<string>>> = {
  simulate: async () => (await import('../simulate/run.ts')).USAGE,
  watch: async () => (await import('../watch/options.ts')).USAGE,
  bench: async () => (await import('../bench/options.ts')).USAGE,
  keys: async () => (await import('../keys/command.ts')).USAGE,
  completion: () => Promise.resolve(USAGE),
};

/** Words of the tools that are no flags. */
const TOOL_WORDS: Readonly<Record<string, readonly string[]>> = { keys: ['new', 'hash'], completion: SHELLS };

const USAGE = `Usage: flashcast completion bash|zsh|fish

Prints what makes the shell complete programs, flags and their values. To keep it:

  flashcast completion bash > /etc/bash_completion.d/flashcast
  flashcast completion zsh > ~/.flashcast.zsh    # and in ~/.zshrc, behind compinit: source ~/.flashcast.zsh
  flashcast completion fish > ~/.config/fish/completions/flashcast.fish

Flags
  -h, --help

Exit status
  0  done
  2  wrong command line
`;

/** `flashcast completion SHELL`: resolves with the exit status. */
export function runCompletion(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => completion(argv, io));
}

/** {@link runCompletion} on given streams. */
export async function completion(argv: readonly string[], io: ToolIo): Promise<number> {
  const { positionals, help, problems } = parseFlags(argv, {});
  if (help) {
    io.stdout.write(USAGE);
    return 0;
  }
  const [name, ...more] = positionals;
  const shell = SHELLS.find((known) => known === name);
  const found = [
    ...problems,
    ...(shell === undefined || more.length > 0 ? [`expected one of ${SHELLS.join(', ')}`] : []),
  ];
  if (shell === undefined || found.length > 0) return refuseUsage(io, 'completion', found);
  io.stdout.write(await scriptOf(shell));
  return 0;
}

async function scriptOf(shell: Shell): Promise<string> {
  const programs: readonly Completed[] = SERVING_PROGRAMS.map((name) => ({
    name,
    flags: flagsOfHelp(helpText(name)),
    words: [],
  }));
  const tools = await Promise.all(
    Object.entries(TOOL_HELPS).map(async ([name, help]) => ({
      name,
      flags: flagsOfHelp(await help()),
      words: TOOL_WORDS[name] ?? [],
    })),
  );
  return completionScript(shell, [...programs, ...tools]);
}
