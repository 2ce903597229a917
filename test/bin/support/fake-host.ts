import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import type { CommandHost } from '../../../bin/command.ts';
import type { Logger } from '../../../shared/log.ts';

/** A process that does not end: it tells what was written and with which status it would have ended. */
export class FakeHost extends EventEmitter implements CommandHost {
  readonly exits: number[] = [];
  readonly env: Readonly<Record<string, string>>;
  out = '';
  err = '';
  readonly stdout = { write: (text: string) => (this.out += text) };
  readonly stderr = { write: (text: string) => (this.err += text) };

  constructor(env: Readonly<Record<string, string>> = {}) {
    super();
    this.env = env;
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  getActiveResourcesInfo(): string[] {
    return [];
  }

  /** A directory without a `.env`. */
  cwd(): string {
    return import.meta.dirname;
  }
}

/** A log whose lines are kept. */
export function recordingLog(): { readonly log: Logger; readonly lines: { level: number; msg: string }[] } {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) });
  return { log, lines };
}
