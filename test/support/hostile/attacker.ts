import { ForkedProcess } from '../forked-process.ts';
import type { AttackName, AttackOptions, Tally } from './attacks.ts';

/** Attacks from a process of its own, one after the other: `const attacker = use(new Attacker())`. */
export class Attacker implements AsyncDisposable {
  readonly #process = new ForkedProcess(new URL('./attacker-process.ts', import.meta.url));

  /** Resolves with what became of its connections when it is over; rejects when it could not be made. */
  async attack(name: AttackName, options: AttackOptions): Promise<Tally> {
    const answer = await this.#process.ask([name, options]);
    const { tally, error } = answer as { readonly tally?: Tally; readonly error?: string };
    if (tally === undefined) throw new Error(error);
    return tally;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
