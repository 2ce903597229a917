import { printable } from '../../client/printable.ts';
import type { ClientStats } from '../../client/node.ts';
import type { Facts } from './facts.ts';
import { describeOrder, formatGas, formatLatency } from './line.ts';
import type { Paint, Tone } from './paint.ts';
import { formatBytes } from './summary.ts';

type Row =
  | { readonly kind: 'message'; readonly facts: Facts }
  | { readonly kind: 'note'; readonly text: string; readonly tone: Tone };

const isStamped = (row: Row): boolean => row.kind === 'message' && row.facts.flashblock?.latencyMs !== undefined;

interface Column {
  readonly title: string | ((rows: readonly Row[]) => string);
  readonly width: number;
  /** Columns of a lower rank go first where there is no room. */
  readonly rank: number;
  readonly left?: boolean;
  readonly text: (facts: Facts) => string;
}

/** In the order of the table. */
const COLUMNS: readonly Column[] = [
  { title: 'time', width: 12, rank: 5, left: true, text: ({ atMs }) => new Date(atMs).toISOString().slice(11, 23) },
  { title: 'block', width: 10, rank: 9, text: ({ flashblock }) => String(flashblock?.position.blockNumber ?? '-') },
  { title: 'index', width: 5, rank: 9, text: ({ flashblock }) => String(flashblock?.position.index ?? '-') },
  {
    title: 'payload',
    width: 18,
    rank: 1,
    left: true,
    text: ({ flashblock }) => printable(flashblock?.payloadId ?? '').slice(0, 18),
  },
  { title: 'txs', width: 5, rank: 8, text: ({ flashblock }) => String(flashblock?.transactions ?? '') },
  { title: 'gas', width: 7, rank: 6, text: ({ flashblock }) => formatGas(flashblock?.gasUsed) },
  { title: 'size', width: 8, rank: 7, text: ({ plainBytes }) => formatBytes(plainBytes) },
  { title: 'on wire', width: 8, rank: 2, text: ({ wireBytes }) => formatBytes(wireBytes) },
  { title: 'as', width: 8, rank: 0, left: true, text: ({ encoding }) => encoding },
  {
    title: 'interval',
    width: 10,
    rank: 8,
    text: ({ intervalMs }) => (intervalMs === undefined ? '' : `${intervalMs.toFixed(1)} ms`),
  },
  {
    title: (rows) => (rows.some(isStamped) ? 'latency' : 'block age'),
    width: 9,
    rank: 4,
    text: ({ flashblock }) => (flashblock === undefined ? '' : formatLatency(flashblock)),
  },
];
const GAP = '  ';
const NOTE_MARK = '── ';
/** What servers say about a refusal may be longer; nobody reads more of it here. */
const MAX_NOTE_CHARS = 500;

/** Rows that are kept for a terminal that grows; no terminal is higher. */
const MAX_ROWS = 500;
/** Over how long rates are taken. */
const RATE_MS = 10_000;
/** Messages that a rate is taken from at most. */
const MAX_RATED = 4096;

/** What the head of the table tells. */
export interface TableState {
  readonly host: string;
  readonly connected: boolean;
  readonly stats: ClientStats;
  /** Milliseconds since the watch began. */
  readonly elapsedMs: number;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** The newest messages as a table of text. Pure; what it keeps is bounded. */
export class Table {
  readonly #rows: Row[] = [];
  #rated: { readonly atMs: number; readonly bytes: number }[] = [];

  add(facts: Facts): void {
    const remark = facts.flashblock && describeOrder(facts.flashblock);
    const order = facts.flashblock?.order;
    if (remark !== undefined) this.note(remark, order === 'repeat' || order === 'restart' ? 'warn' : 'bad');
    this.#push({ kind: 'message', facts });
    this.#rated.push({ atMs: facts.atMs, bytes: facts.wireBytes });
    if (this.#rated.length > MAX_RATED) this.#rated = this.#rated.slice(-MAX_RATED / 2);
  }

  /** A line between the messages: what happened, and when. */
  note(text: string, tone: Tone): void {
    this.#push({ kind: 'note', text, tone });
  }

  /** The lines for a terminal of this size: never more, never wider. */
  lines(columns: number, rows: number, state: TableState, paint: Paint): string[] {
    const shown = fitting(columns);
    const head = [
      this.#headline(columns, state, paint),
      paint(
        shown
          .map((column) => cell(column, typeof column.title === 'string' ? column.title : column.title(this.#rows)))
          .join(GAP)
          .slice(0, columns),
        'dim',
      ),
    ];
    const room = Math.max(0, rows - head.length);
    const body =
      room === 0
        ? []
        : this.#rows
            .slice(-room)
            .flatMap((row) => lines(row, shown, columns, paint))
            .slice(-room);
    return [...head, ...body].slice(0, rows);
  }

  #push(row: Row): void {
    this.#rows.push(row);
    if (this.#rows.length > MAX_ROWS) this.#rows.shift();
  }

  #headline(columns: number, { host, connected, stats, elapsedMs, nowMs }: TableState, paint: Paint): string {
    this.#rated = this.#rated.filter(({ atMs }) => atMs > nowMs - RATE_MS);
    const seconds = Math.max(1, Math.min(RATE_MS, elapsedMs) / 1000);
    const bytes = this.#rated.reduce((sum, rated) => sum + rated.bytes, 0);
    const parts: readonly (readonly [string, Tone])[] = [
      [printable(host, 60), 'strong'],
      connected ? ['connected', 'good'] : ['not connected', 'bad'],
      [formatElapsed(elapsedMs), 'plain'],
      [`gaps ${stats.gaps}`, stats.gaps > 0 ? 'bad' : 'plain'],
      [`repeats ${stats.repeats}`, stats.repeats > 0 ? 'warn' : 'plain'],
      [`reconnects ${stats.reconnects}`, stats.reconnects > 0 ? 'warn' : 'plain'],
      [`${(this.#rated.length / seconds).toFixed(1)}/s`, 'plain'],
      [`${formatBytes(Math.round(bytes / seconds))}/s`, 'plain'],
      [`${stats.messages} messages`, 'plain'],
    ];
    const fits: string[] = [];
    let width = 0;
    for (const [text, tone] of parts) {
      const room = columns - width - (width === 0 ? 0 : GAP.length);
      if (text.length > room) break;
      width = columns - room + text.length;
      fits.push(paint(text, tone));
    }
    return fits.join(GAP);
  }
}

function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** The columns that fit, the most important ones. */
function fitting(columns: number): Column[] {
  const shown = [...COLUMNS];
  const width = (): number => shown.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
  while (shown.length > 1 && width() > columns) {
    const least = Math.min(...shown.map(({ rank }) => rank));
    shown.splice(
      shown.findLastIndex(({ rank }) => rank === least),
      1,
    );
  }
  return shown;
}

function cell({ width, left = false }: Column, text: string): string {
  return left ? text.padEnd(width) : text.padStart(width);
}

/** A note goes on in further lines where it is wider than the terminal: what it says last is as good as what it says first. */
function noteLines(text: string, columns: number): string[] {
  const width = Math.max(1, columns - NOTE_MARK.length);
  const lines: string[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at, at + width + 1);
    const space = rest.length > width ? rest.lastIndexOf(' ') : -1;
    const end = space > 0 ? space : width;
    lines.push(`${at === 0 ? NOTE_MARK : ' '.repeat(NOTE_MARK.length)}${rest.slice(0, end)}`.slice(0, columns));
    at += end + (space > 0 ? 1 : 0);
  }
  return lines;
}

function lines(row: Row, shown: readonly Column[], columns: number, paint: Paint): string[] {
  if (row.kind === 'note')
    return noteLines(printable(row.text, MAX_NOTE_CHARS), columns).map((text) => paint(text, row.tone));
  const text = shown
    .map((column) => cell(column, column.text(row.facts)))
    .join(GAP)
    .slice(0, columns);
  const { flashblock } = row.facts;
  if (flashblock === undefined) return [paint(text, 'dim')];
  return [paint(text, flashblock.position.index === 0 ? 'strong' : 'plain')];
}
