import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AttackName, AttackOptions, Tally } from './attacks.ts';

const PROCESS = new URL('./attacker-process.ts', import.meta.url);

/** Attacks from a process of its own, one after the other: `const attacker = use(new Attacker())`. */
export class Attacker implements AsyncDisposable {
  readonly #child: ChildProcess = fork(PROCESS, { execArgv: ['--import', 'ts-blank-space/register'] });

  /** Resolves with what became of its connections when it is over; rejects when it could not be made. */
  async attack(name: AttackName, options: AttackOptions): Promise<Tally> {
    const answered = once(this.#child, 'message') as Promise<[{ readonly tally?: Tally; readonly error?: string }]>;
    const exited = once(this.#child, 'exit').then((): never => {
      throw new Error('the attacker ended');
    });
    this.#child.send([name, options]);
    const [{ tally, error }] = await Promise.race([answered, exited]);
    if (tally === undefined) throw new Error(error);
    return tally;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
