import type { BaseNode } from '../support/base-node.ts';
import { ForkedProcess } from '../support/forked-process.ts';

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
  readonly #process = new ForkedProcess(new URL('./herd-process.ts', import.meta.url));

  /** Resolves when every client has what it missed. */
  async resume(options: HerdOptions): Promise<void> {
    await this.#process.ask(options);
  }

  async report(): Promise<HerdReport> {
    return (await this.#process.ask('report')) as HerdReport;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
