import type { Terminal } from '../terminal.ts';

/** A frame is drawn no sooner than this after the one before: as often as an eye can follow. */
const FRAME_MS = 100;
/** Without news a frame is drawn this often, for the clock and the rates. */
const IDLE_MS = 1000;

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** Before a line's text: after it, it would take the last character of a line that is as wide as the terminal. */
const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export interface ScreenOptions {
  readonly terminal: Terminal;
  readonly output: NodeJS.WritableStream;
  /** The lines to show; at most so many and so wide. */
  readonly render: (columns: number, rows: number) => readonly string[];
  /** Calls once, after so many milliseconds. @returns cancels it */
  readonly after: (ms: number, callback: () => void) => () => void;
}

/**
 * Draws on a terminal's alternate screen: a frame is one write that replaces line by line without clearing first, so that nothing
 * flickers. A terminal that does not take its frames gets no more until it does.
 */
export class Screen {
  readonly #options: ScreenOptions;
  #cancelTimer: () => void = () => undefined;
  #stopListening: () => void = () => undefined;
  #drawn = false;
  #stale = false;
  #blocked = false;
  #started = false;
  #stopped = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  start(): void {
    const { output, terminal } = this.#options;
    this.#started = true;
    output.write(ENTER);
    this.#stopListening = terminal.onResize(() => {
      this.changed();
    });
    this.#draw();
  }

  /** There is something new to show. */
  changed(): void {
    if (!this.#started || this.#stopped) return;
    if (this.#drawn) {
      this.#stale = true;
      return;
    }
    this.#draw();
  }

  /** Gives the terminal back as it was. Idempotent. */
  stop(): void {
    if (!this.#started || this.#stopped) return;
    this.#stopped = true;
    this.#cancelTimer();
    this.#stopListening();
    this.#options.output.write(LEAVE);
  }

  #draw(): void {
    const { output, terminal, render, after } = this.#options;
    this.#stale = false;
    this.#drawn = true;
    if (!this.#blocked) {
      const lines = render(terminal.columns, terminal.rows);
      const text = lines.map((line) => `${CLEAR_TO_END_OF_LINE}${line}`).join('\r\n');
      if (!output.write(`${HOME}${text}${CLEAR_BELOW}`)) {
        this.#blocked = true;
        output.once('drain', () => {
          this.#blocked = false;
        });
      }
    }
    this.#cancelTimer();
    this.#cancelTimer = after(FRAME_MS, () => {
      this.#drawn = false;
      if (this.#stale) this.#draw();
      else
        this.#cancelTimer = after(IDLE_MS - FRAME_MS, () => {
          this.#draw();
        });
    });
  }
}
