/** A terminal that a tool may draw on; absent where the output is a file or a pipe. */
export interface Terminal {
  /** As wide and high as it is now, in characters. */
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  /** @returns ends the listening */
  onResize(listener: () => void): () => void;
}

/** What a terminal has where it does not tell. */
const USUAL = { columns: 80, rows: 24 };

/**
 * The terminal of standard output. Colours are left out where NO_COLOR is set to anything (no-color.org); a dumb terminal, which
 * cannot move its cursor, counts as a pipe.
 */
export function processTerminal(): Terminal | undefined {
  const { stdout, env } = process;
  if (!stdout.isTTY || env['TERM'] === 'dumb') return undefined;
  return {
    get columns() {
      return stdout.columns > 0 ? stdout.columns : USUAL.columns;
    },
    get rows() {
      return stdout.rows > 0 ? stdout.rows : USUAL.rows;
    },
    color: (env['NO_COLOR'] ?? '') === '',
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
  };
}
