import type { Logger } from '../../log.ts';

/** One warning of a kind in this time: a lost Redis gives errors every few milliseconds. */
const ONCE_IN_MS = 5000;

/** Most kinds of warnings whose time is remembered. */
const MAX_KINDS = 100;

type LogFields = Readonly<Record<string, string | number>>;

/** A log in which a warning that goes on repeats every five seconds, and tells how often it came since. */
export class LimitedLog {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #kinds = new Map<string, { readonly at: number; suppressed: number }>();

  /** @param now monotonic milliseconds */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Writes a change of state. It is never held back, so that the last line tells how things are. */
  changed(level: 'info' | 'warn', fields: LogFields, event: string): void {
    this.#log[level](fields, event);
  }

  /** Writes a warning, unless the same was written just now; warnings that differ in a number are the same. */
  warn(fields: LogFields, event: string): void {
    const kind = `${event} ${Object.values(fields).join(' ')}`.replaceAll(/\d+(\.\d+)?/g, '0');
    const known = this.#kinds.get(kind);
    const now = this.#now();
    if (known !== undefined && now - known.at < ONCE_IN_MS) {
      known.suppressed += 1;
      return;
    }
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(kind, { at: now, suppressed: 0 });
    const repeated = known?.suppressed ?? 0;
    this.#log.warn({ ...fields, ...(repeated > 0 && { repeated }) }, event);
  }
}
