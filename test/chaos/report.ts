/** The table of a run, as docs/reliability.md shows it. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { RowVerdict } from './verdict.ts';

const BEGIN = '<!-- chaos table: begin -->';
const END = '<!-- chaos table: end -->';

const COLUMNS = [
  ['fault', '---'],
  ['clients', '---:'],
  ['messages', '---:'],
  ['lost', '---:'],
  ['repeated', '---:'],
  ['out of order', '---:'],
  ['longest silence', '---:'],
  ['recovered after', '---:'],
  ['reconnects', '---:'],
  ['lost without resume', '---:'],
] as const;

function line(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`;
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '' : Number.isFinite(ms) ? `${Math.round(ms)} ms` : 'never';
}

/** Losses at all clients; where a client lost something, what its edge counted, and how many losses clients were told of. */
function lostCell({ lost, clients, counted, told }: RowVerdict): string {
  if (lost === 0) return '0';
  const each = lost % clients === 0 ? `${lost / clients} each` : String(lost);
  return `${each}, counted ${counted}${told > 0 ? `, told ${told}` : ''}`;
}

/** The table in markdown. */
export function renderTable(verdicts: readonly RowVerdict[]): string {
  const rows = verdicts.map((verdict) =>
    line([
      `${verdict.wrong.length > 0 ? '**failed** ' : ''}${verdict.row.fault}${verdict.note === undefined ? '' : `; ${verdict.note}`}`,
      verdict.clients,
      verdict.messages,
      lostCell(verdict),
      verdict.repeated,
      verdict.outOfOrder,
      milliseconds(verdict.silenceMs),
      milliseconds(verdict.recoveredMs),
      verdict.reconnects,
      verdict.bystanders.lost,
    ]),
  );
  return [line(COLUMNS.map(([name]) => name)), line(COLUMNS.map(([, rule]) => rule)), ...rows].join('\n');
}

/**
 * Puts the table between the two markers of a text, or behind it where it has none.
 *
 * @param note a line above the table
 */
export function insertTable(text: string, verdicts: readonly RowVerdict[], note: string): string {
  const block = `${BEGIN}\n\n${note}\n\n${renderTable(verdicts)}\n\n${END}`;
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) return `${text}${block}\n`;
  return text.slice(0, begin) + block + text.slice(end + END.length);
}

/** Writes the table into a file, which is made where there is none. */
export async function writeReport(file: string, verdicts: readonly RowVerdict[], note: string): Promise<void> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  await writeFile(file, insertTable(text, verdicts, note));
}
