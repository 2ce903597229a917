import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { BaseNode } from '../support/base-node.ts';

const PROCESS = new URL('./herd-process.ts', import.meta.url);

export interface HerdOptions {
  readonly port: number;
  readonly clients: number;
  /** The message that each received last, as JSON. */
  readonly behind: string;
  /** How many it has missed. */
  readonly messages: number;
}

/** Clients of a herd. */
export interface HerdReport {
  /** Whose first resume was answered so. */
  readonly complete: number;
  /** Whose first connection has ended. */
  readonly left: number;
  /** Who left for a Pong that came too late. */
  readonly pongTimeouts: number;
  /** Who saw a flashblock that is not the next one, or one twice. */
  readonly violations: number;
}

/** What became of the herd's clients. A base node ignores the repeat of its latest flashblock; here it is a fault. */
export function herdReport(
  nodes: readonly Pick<BaseNode, 'seams' | 'received' | 'connected' | 'pongTimeouts' | 'violations'>[],
): HerdReport {
  return {
    complete: nodes.filter(({ seams }) => seams[0]?.outcome === 'complete').length,
    left: nodes.filter(({ seams, connected }) => seams.length !== 1 || !connected).length,
    pongTimeouts: nodes.filter(({ pongTimeouts }) => pongTimeouts > 0).length,
    violations: nodes.filter(({ violations, received }) => violations > 0 || new Set(received).size < received.length)
      .length,
  };
}

/**
 * Base nodes that resume all at once, in a process of their own: what they are sent is read beside what others measure.
 * `const herd = use(new Herd())`.
 */
export class Herd implements AsyncDisposable {
  readonly #child: ChildProcess = fork(PROCESS, { execArgv: ['--import', 'ts-blank-space/register'] });

  /** Resolves when every client has what it missed. */
  async resume(options: HerdOptions): Promise<void> {
    await this.#ask(options);
  }

  async report(): Promise<HerdReport> {
    return (await this.#ask('report')) as HerdReport;
  }

  async #ask(question: HerdOptions | 'report'): Promise<unknown> {
    const exited = once(this.#child, 'exit').then((): never => {
      throw new Error('the herd ended');
    });
    this.#child.send(question);
    const [answer] = (await Promise.race([once(this.#child, 'message'), exited])) as [unknown];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
