import { BackplaneUnavailableError } from '../backplane/backplane.ts';
import type { LeaseAnswer, LeaseRequest } from './lease-store.ts';

/** Requests of one call: they keep Redis busy for half a millisecond; everybody else is served in between. */
export const MAX_BATCH = 64;

/**
 * Pause between two calls, unless one is full: some ten handshakes of a rush, which wait longer for each other anyway. Calls cost an
 * edge and Redis several times what one more request in them does.
 */
const PAUSE_MS = 2;

interface Waiting {
  readonly request: LeaseRequest;
  readonly resolve: (answer: LeaseAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Calls back after so many milliseconds, unless the returned function is called before. */
export type Later = (ms: number, callback: () => void) => () => void;

const later: Later = (ms, callback) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};

/**
 * Gathers requests that come in a rush and sends them together. One that comes alone goes out at once; those that come within
 * {@link PAUSE_MS} of a call go out with the next one.
 */
export class AdmissionBatch {
  readonly #call: (requests: readonly LeaseRequest[]) => Promise<readonly LeaseAnswer[]>;
  readonly #later: Later;
  #waiting: Waiting[] = [];
  /** Ends the pause after a call; `undefined` when there is none. */
  #endPause: (() => void) | undefined;

  /** @param call sends requests together and gives an answer for each, in their order; must send before it returns */
  constructor(
    call: (requests: readonly LeaseRequest[]) => Promise<readonly LeaseAnswer[]>,
    options: { readonly later?: Later } = {},
  ) {
    this.#call = call;
    this.#later = options.later ?? later;
  }

  /** Rejects with what the call is rejected with. */
  add(request: LeaseRequest): Promise<LeaseAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (this.#endPause === undefined || this.#waiting.length === MAX_BATCH) this.send();
    });
  }

  /** Sends what waits, now: a call that is made after it goes out behind it. */
  send(): void {
    this.#endPause?.();
    this.#endPause = undefined;
    const batch = this.#waiting;
    if (batch.length === 0) return;
    this.#waiting = [];
    this.#endPause = this.#later(PAUSE_MS, () => this.send());
    this.#call(batch.map(({ request }) => request)).then(
      (answers) => {
        for (const [at, { resolve, reject }] of batch.entries()) {
          const answer = answers[at];
          if (answer === undefined) reject(new RangeError('fewer answers than requests'));
          else resolve(answer);
        }
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error);
      },
    );
  }

  /** Rejects what waits: it is never sent. Leaves no timer. */
  drop(): void {
    this.#endPause?.();
    this.#endPause = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    for (const { reject } of batch) reject(new BackplaneUnavailableError('admit: the connection changed'));
  }
}
