import { BackplaneUnavailableError } from '../../../shared/backplane/backplane.ts';
import type { Lease, LeaseAnswer, LeaseRequest, LeaseStore } from '../../../shared/limits/lease-store.ts';
import type { LeaseBackend } from './lease-backend.ts';

interface Command {
  readonly name: 'admit' | 'renew' | 'release' | 'probe';
  readonly run: () => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  answer?: unknown;
}

/**
 * A connection whose fate a test decides: commands go out, are carried out, and are answered, each in their order and when the
 * test says so. What a cut leaves on the way may still be carried out, in any order with what the next connection sends.
 */
export class SimulatedStore implements LeaseStore {
  readonly #backend: LeaseBackend;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #listeners: ((available: boolean) => void)[] = [];
  #sent: Command[] = [];
  #carriedOut: Command[] = [];
  /** Sent on connections that are gone, and not carried out yet. */
  #leftBehind: { readonly command: Command; readonly at: number }[] = [];
  /** Commands that were sent, by their names, in order. */
  readonly log: string[] = [];
  /** Each command is carried out and answered at once. */
  prompt = false;
  available = false;
  stopped = false;

  constructor(backend: LeaseBackend, ttlMs: number, now: () => number) {
    this.#backend = backend;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  get sent(): number {
    return this.#sent.length;
  }

  get unanswered(): number {
    return this.#sent.length + this.#carriedOut.length;
  }

  start(): Promise<void> {
    if (this.prompt) this.connect();
    return Promise.resolve();
  }

  stop(): void {
    this.stopped = true;
    this.cut();
  }

  onAvailable(listener: (available: boolean) => void): void {
    this.#listeners.push(listener);
  }

  admit(request: LeaseRequest): Promise<LeaseAnswer> {
    return this.#send('admit', () => this.#backend.admit(request, this.#ttlMs)) as Promise<LeaseAnswer>;
  }

  renew(leases: readonly Lease[]): Promise<void> {
    return this.#send('renew', () => this.#backend.renew(leases, this.#ttlMs)) as Promise<void>;
  }

  release(leases: readonly Lease[]): Promise<void> {
    return this.#send('release', () => this.#backend.release(leases)) as Promise<void>;
  }

  probe(): Promise<void> {
    return this.#send('probe', () => Promise.resolve()) as Promise<void>;
  }

  connect(): void {
    if (this.available || this.stopped) return;
    this.available = true;
    this.#tell();
  }

  /** Ends the connection: no answer comes any more. */
  cut(): void {
    if (!this.available) return;
    this.available = false;
    const lost = [...this.#carriedOut, ...this.#sent];
    this.#leftBehind.push(...this.#sent.map((command) => ({ command, at: this.#now() })));
    this.#sent = [];
    this.#carriedOut = [];
    this.#tell();
    for (const { reject } of lost) reject(new BackplaneUnavailableError('cut'));
  }

  /** Carries out the oldest commands; their answers are on the way then. */
  async carryOut(count = Infinity): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const command = this.#sent.shift();
      if (command === undefined) return;
      this.#carriedOut.push(command);
      command.answer = await command.run();
    }
  }

  /** Lets the oldest answers arrive. */
  answer(count = Infinity): void {
    for (const { resolve, answer } of this.#carriedOut.splice(0, Math.min(count, this.#carriedOut.length)))
      resolve(answer);
  }

  /** Carries out the oldest of what connections that are gone have left behind; what is older than `maxAgeMs` never arrives. */
  async carryOutLeftBehind(count: number, maxAgeMs: number): Promise<void> {
    this.#leftBehind = this.#leftBehind.filter(({ at }) => this.#now() - at < maxAgeMs);
    for (const { command } of this.#leftBehind.splice(0, Math.min(count, this.#leftBehind.length))) await command.run();
  }

  /** What a connection that is gone has left behind never arrives. */
  loseLeftBehind(): void {
    this.#leftBehind = [];
  }

  #send(name: Command['name'], run: () => Promise<unknown>): Promise<unknown> {
    this.log.push(name);
    if (!this.available) return Promise.reject(new BackplaneUnavailableError('not connected'));
    if (this.prompt) return run();
    return new Promise((resolve, reject) => {
      this.#sent.push({ name, run, resolve, reject });
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.available);
  }
}
