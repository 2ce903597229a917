import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** When a new file begins. */
export type Rotation = 'never' | 'minutely' | 'hourly' | 'daily';

/** Characters of an ISO time that tell one file's time from the next one's. */
const PERIOD_CHARACTERS: Readonly<Record<Rotation, number>> = {
  never: 0,
  daily: '2026-01-31'.length,
  hourly: '2026-01-31T23'.length,
  minutely: '2026-01-31T23:59'.length,
};

const NAME = 'flashcast.log';

/**
 * A log file in a directory: `flashcast.log`, or one for each minute, hour or day in UTC, `flashcast.log.2026-01-31-23`.
 * Lines are appended, so that several processes may share it and a restart keeps what was there. Nothing is ever removed.
 */
export class LogFile {
  readonly #directory: string;
  readonly #rotation: Rotation;
  readonly #now: () => Date;
  #period = '';
  #descriptor: number | undefined;

  constructor(directory: string, rotation: Rotation, now: () => Date = () => new Date()) {
    this.#directory = directory;
    this.#rotation = rotation;
    this.#now = now;
  }

  /**
   * Opens the file of this time, and closes the one before.
   *
   * @throws Error of the file system
   */
  open(): void {
    const period = this.#currentPeriod();
    if (this.#descriptor !== undefined && period === this.#period) return;
    mkdirSync(this.#directory, { recursive: true });
    const name = period === '' ? NAME : `${NAME}.${period}`;
    const opened = openSync(join(this.#directory, name), 'a');
    this.close();
    this.#descriptor = opened;
    this.#period = period;
  }

  /**
   * @returns how many bytes were written
   * @throws Error of the file system
   */
  write(bytes: Buffer): number {
    this.open();
    return writeSync(this.#descriptor ?? -1, bytes);
  }

  /** Idempotent; the next write opens it again. */
  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #currentPeriod(): string {
    const time = this.#now().toISOString().slice(0, PERIOD_CHARACTERS[this.#rotation]);
    return time.replaceAll(/[T:]/g, '-');
  }
}
