import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A TypeScript module in a process of its own, which answers one message with one: `use(new ForkedProcess(url))`. */
export class ForkedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(module: URL) {
    this.#child = fork(module, { execArgv: ['--import', 'ts-blank-space/register'] });
  }

  /** Rejects when the process ends instead. */
  async ask(question: object | string): Promise<unknown> {
    const exited = once(this.#child, 'exit').then((): never => {
      throw new Error('the process ended');
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
