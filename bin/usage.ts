import { PROGRAM_SUMMARIES } from '../shared/config/help.ts';
import { quote } from '../shared/config/mask.ts';
import { nearestName } from '../shared/config/names.ts';
import { PROGRAMS, TOOLS, type Tool } from './programs.ts';

/** Exit status of a command that was given wrongly. */
export const USAGE_STATUS = 2;

const TOOL_SUMMARIES: Readonly<Record<Tool, string>> = {
  simulate: 'a builder: flashblocks on a WebSocket, with faults on demand',
  watch: 'a client for people: a live table or a line per flashblock, order checked',
  bench: 'a load test: many clients, what they got and how fast, CPU of the server',
  keys: 'makes API keys and the lines of the key file',
  completion: 'prints what makes a shell complete programs and flags',
};

/** The text of `flashcast --help`. */
export function usageText(): string {
  const summaries = Object.entries({ ...PROGRAM_SUMMARIES, ...TOOL_SUMMARIES });
  return [
    'Usage: flashcast PROGRAM [flags]',
    '',
    'Programs',
    ...summaries.map(([name, summary]) => `  ${name.padEnd(12)}${summary}`),
    '',
    'flashcast PROGRAM --help lists the settings of a program; flashcast --version prints the release.',
    '',
  ].join('\n');
}

/** What a mistyped program's name is answered with. */
export function unknownProgram(name: string): string {
  const nearest = nearestName(name.toLowerCase(), [...Object.keys(PROGRAMS), ...Object.keys(TOOLS)]);
  const hint = nearest === undefined ? 'flashcast --help lists the programs' : `did you mean ${nearest}?`;
  return `flashcast: no program ${quote(name)}; ${hint}\n`;
}
