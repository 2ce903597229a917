import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Reads TypeScript as it stands, whatever the working directory. */
const LOADER = import.meta.resolve('ts-blank-space/register');

export interface ChildOptions {
  readonly args?: readonly string[];
  /** The environment of the child, beside what a process needs to run. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A process of a module of this project, built or not, and what it wrote. */
export class Child {
  readonly process: ChildProcess;
  out = '';
  err = '';
  readonly #ended: Promise<unknown>;

  constructor(module: URL, { args = [], env = {}, cwd }: ChildOptions) {
    const path = fileURLToPath(module);
    const loader = path.endsWith('.ts') ? ['--import', LOADER] : [];
    const { PATH, NODE_V8_COVERAGE } = process.env;
    this.process = spawn(process.execPath, [...loader, path, ...args], {
      env: { PATH, ...(NODE_V8_COVERAGE !== undefined && { NODE_V8_COVERAGE }), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.#ended = once(this.process, 'close');
  }

  /** Resolves when standard output holds the text; rejects when the process ends without it. */
  async says(text: string): Promise<void> {
    while (!this.out.includes(text)) {
      if (this.process.exitCode !== null) throw new Error(`ended without saying ${text}: ${this.out}${this.err}`);
      await Promise.race([once(this.process.stdout!, 'data'), this.#ended]);
    }
  }

  /** @returns the exit status, or the signal that ended it */
  async end(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.process.exitCode ?? this.process.signalCode;
  }
}
