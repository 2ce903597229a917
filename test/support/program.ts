import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Changes } from './changes.ts';

/** The project's own build; a test may run another folder of the same shape. */
const BUILD = new URL('../../dist/', import.meta.url).pathname;
/** Output that is kept of one program; a test's programs write far less. */
const MAX_OUTPUT_CHARS = 8 * 1024 * 1024;
/** A program that outlives its test by this long is killed. */
const STOP_PATIENCE_MS = 10_000;
/** How often readiness is asked for. */
const POLL_MS = 25;

/** Below the ports that systems give to outgoing connections: one of the thousands that tests make could take a port before its program. */
const PORTS = { from: 12_000, count: 18_000 };

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * PORTS.count);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The built `flashcast` as a process of its own: `const proxy = use(Program.start(['proxy', ...]))`. */
export class Program implements AsyncDisposable {
  readonly changes = new Changes();
  /** Resolves when it has ended and its output is complete. */
  readonly exit: Promise<ProgramExit>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = '';
  #stderr = '';
  #ended = false;

  private constructor(args: readonly string[], env: Readonly<Record<string, string>>, build = BUILD) {
    // Of the surroundings only what a process needs to run: settings of the machine must not reach the program.
    const surroundings = Object.fromEntries(
      ['PATH', 'HOME', 'NODE_V8_COVERAGE'].flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    this.#child = spawn(process.execPath, [join(build, 'bin/flashcast.js'), ...args], {
      env: { ...surroundings, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-MAX_OUTPUT_CHARS);
      this.changes.notify();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-MAX_OUTPUT_CHARS);
      this.changes.notify();
    });
    this.exit = once(this.#child, 'close').then(([code, signal]) => {
      this.#ended = true;
      this.changes.notify();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  /**
   * @param env the program's whole environment, beside PATH and HOME
   * @param build folder of the build to run; default the project's own
   */
  static start(args: readonly string[], env: Readonly<Record<string, string>> = {}, build?: string): Program {
    return new Program(args, env, build);
  }

  /** Runs it to its end. */
  static async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ProgramExit & { readonly stdout: string; readonly stderr: string }> {
    const program = new Program(args, env);
    const exit = await program.exit;
    return { ...exit, stdout: program.stdout, stderr: program.stderr };
  }

  get pid(): number {
    return this.#child.pid!;
  }
  get stdout(): string {
    return this.#stdout;
  }
  get stderr(): string {
    return this.#stderr;
  }
  get ended(): boolean {
    return this.#ended;
  }
  /** The log so far: the lines of its output that are JSON objects. */
  get log(): Record<string, unknown>[] {
    return this.#stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Waits for a log line. */
  async logged(predicate: (line: Record<string, unknown>) => boolean, what: string): Promise<void> {
    await this.changes.until(
      () => this.log.some(predicate),
      () => `${what}; the log:\n${this.#stdout.slice(-4000)}${this.#stderr.slice(-2000)}`,
    );
  }

  /** Waits until `/readyz` of its operations port says 200. */
  async ready(metricsPort: number, patienceMs = 15_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!this.#ended && performance.now() < deadline) {
      const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`did not get ready; the log:\n${this.#stdout.slice(-4000)}${this.#stderr.slice(-2000)}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGTERM, and SIGKILL where that does not help. */
  async stop(): Promise<ProgramExit> {
    if (!this.#ended) {
      this.signal('SIGCONT');
      this.signal('SIGTERM');
    }
    const timer = setTimeout(() => {
      this.signal('SIGKILL');
    }, STOP_PATIENCE_MS);
    try {
      return await this.exit;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** The value of a metric in Prometheus text, summed over the label sets that contain `labels`. */
export function metricValue(text: string, name: string, labels = ''): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
