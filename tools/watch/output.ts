import { once } from 'node:events';
import { printable } from '../../client/printable.ts';
import type { FlashcastClient } from '../../client/node.ts';
import type { ToolIo } from '../tool-io.ts';
import type { Facts } from './facts.ts';
import { describeOrder, formatJson, formatText } from './line.ts';
import { painter, type Tone } from './paint.ts';
import { Screen } from './screen.ts';
import { Table } from './table.ts';

/** Where a watch shows what it sees. */
export interface Output {
  /** @returns a promise where the reader of the output is slower than the stream; it resolves when more can come */
  message(facts: Facts): Promise<unknown> | undefined;
  /** Something happened beside messages. */
  note(text: string, tone: Tone): void;
  /** Gives the terminal back. Idempotent. */
  end(): void;
}

/** A line per message on standard output, remarks on standard error. */
export class LineOutput implements Output {
  readonly #io: ToolIo;
  readonly #json: boolean;
  readonly #gone: AbortSignal;

  /** @param gone aborted when nobody reads the output any more */
  constructor(io: ToolIo, json: boolean, gone: AbortSignal) {
    this.#io = io;
    this.#json = json;
    this.#gone = gone;
  }

  message(facts: Facts): Promise<unknown> | undefined {
    const { stdout, interrupted } = this.#io;
    const flowing = stdout.write(`${this.#json ? formatJson(facts) : formatText(facts)}\n`);
    const remark = facts.flashblock && describeOrder(facts.flashblock);
    if (remark !== undefined) this.note(remark);
    if (flowing) return undefined;
    const signal = AbortSignal.any([this.#gone, interrupted]);
    return once(stdout, 'drain', { signal }).catch(() => undefined);
  }

  note(text: string): void {
    this.#io.stderr.write(`flashcast watch: ${text}\n`);
  }

  end(): void {
    // Lines need no end.
  }
}

export interface TableOutputOptions {
  readonly io: ToolIo & Required<Pick<ToolIo, 'terminal'>>;
  readonly host: string;
  readonly client: () => FlashcastClient;
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Remarks that are told again once the table is gone: they and the summary fit a small terminal. */
const MAX_REMARKS = 20;
/** A server's words about a refusal may be longer than anybody reads. */
const MAX_REMARK_CHARS = 500;

/** UTC, as in the lines and the table. */
const timeOfDay = (): string => new Date().toISOString().slice(11, 19);

/** A live table. It never holds the stream up: a terminal that is slow gets fewer frames. */
export class TableOutput implements Output {
  readonly #table = new Table();
  readonly #screen: Screen;
  readonly #io: ToolIo;
  readonly #remarks: string[] = [];
  #remarked = 0;
  #connected = false;

  constructor({ io, host, client, after }: TableOutputOptions) {
    const { terminal, stdout } = io;
    this.#io = io;
    const paint = painter(terminal.color);
    const beganAt = performance.now();
    this.#screen = new Screen({
      terminal,
      output: stdout,
      after,
      render: (columns, rows) => {
        const elapsedMs = performance.now() - beganAt;
        const state = { host, connected: this.#connected, stats: client().stats, elapsedMs, nowMs: Date.now() };
        return this.#table.lines(columns, rows, state, paint);
      },
    });
  }

  start(): void {
    this.#screen.start();
  }

  /** Tells whether there is a connection now. */
  set connected(connected: boolean) {
    this.#connected = connected;
    this.#screen.changed();
  }

  message(facts: Facts): undefined {
    const remark = facts.flashblock && describeOrder(facts.flashblock);
    if (remark !== undefined) this.#keep(remark);
    this.#table.add(facts);
    this.#screen.changed();
    return undefined;
  }

  note(text: string, tone: Tone): void {
    this.#table.note(`${timeOfDay()} ${text}`, tone);
    this.#screen.changed();
    this.#keep(text);
  }

  /** The screen goes, and with it what it showed: the remarks are told again. */
  end(): void {
    this.#screen.stop();
    const remarks = this.#remarks.splice(0);
    const say = (text: string): unknown => this.#io.stderr.write(`flashcast watch: ${text}\n`);
    if (this.#remarked > remarks.length && remarks.length > 0)
      say(`the last ${remarks.length} of ${this.#remarked} remarks`);
    for (const remark of remarks) say(remark);
  }

  #keep(remark: string): void {
    this.#remarked++;
    this.#remarks.push(`${timeOfDay()} ${printable(remark, MAX_REMARK_CHARS)}`);
    if (this.#remarks.length > MAX_REMARKS) this.#remarks.shift();
  }
}
