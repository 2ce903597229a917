/** A flag as a help text lists it. */
export interface HelpFlag {
  /** With its dashes. */
  readonly name: string;
  /** The values that there are, where they are a closed list. */
  readonly choices: readonly string[];
}

/** A line that begins with a flag, which may have further names and a value: `  --log-format, --other json|text  [VAR]`. */
const ENTRY = /^ {2}(?:-\w, )?(--[\w.-]+(?:, --[\w.-]+)*)(?: ([\w-]+(?:\|[\w-]+)+))?/;

/** The flags of a help text: what it lists is what the program takes, as it is printed from the program's own table. */
export function flagsOfHelp(help: string): readonly HelpFlag[] {
  return help.split('\n').flatMap((line) => {
    const [, names, choices] = ENTRY.exec(line) ?? [];
    if (names === undefined) return [];
    return names.split(', ').map((name) => ({ name, choices: choices?.split('|') ?? [] }));
  });
}
