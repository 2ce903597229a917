import type { HelpFlag } from './flags-of-help.ts';

/** What completes behind a word of the command line. */
export interface Completed {
  readonly name: string;
  readonly flags: readonly HelpFlag[];
  /** Words that are no flags: `new` of `keys`. */
  readonly words: readonly string[];
}

/** Shells that a completion is made for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The completion of a shell, to be read by it once. It asks nothing of flashcast while somebody types. */
export function completionScript(shell: Shell, programs: readonly Completed[]): string {
  switch (shell) {
    case 'bash':
      return bash(programs);
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(programs)}`;
    case 'fish':
      return fish(programs);
  }
}

function bash(programs: readonly Completed[]): string {
  return `_flashcast() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${programs.map(({ name }) => name).join(' ')} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${programs.flatMap(choiceCases).join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${programs.map(wordCase).join('\n')}
  esac
}
complete -o default -F _flashcast flashcast
`;
}

function choiceCases({ name, flags }: Completed): readonly string[] {
  return flags
    .filter(({ choices }) => choices.length > 0)
    .map((flag) => `    '${name} ${flag.name}') ${reply(flag.choices)}; return ;;`);
}

function wordCase({ name, flags, words }: Completed): string {
  return `    ${name}) ${reply([...words, ...flags.map((flag) => flag.name)])} ;;`;
}

function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$word"))`;
}

function fish(programs: readonly Completed[]): string {
  const inProgram = (name: string): string => `-n '__fish_seen_subcommand_from ${name}'`;
  return [
    `complete -c flashcast -n __fish_use_subcommand -f -a '${programs.map(({ name }) => name).join(' ')}'`,
    'complete -c flashcast -n __fish_use_subcommand -l help',
    'complete -c flashcast -n __fish_use_subcommand -l version',
    ...programs.flatMap(({ name, flags, words }) => [
      ...(words.length === 0 ? [] : [`complete -c flashcast ${inProgram(name)} -f -a '${words.join(' ')}'`]),
      ...flags.map(
        (flag) =>
          `complete -c flashcast ${inProgram(name)} -l ${flag.name.slice(2)}${flag.choices.length === 0 ? '' : ` -x -a '${flag.choices.join(' ')}'`}`,
      ),
    ]),
    '',
  ].join('\n');
}
