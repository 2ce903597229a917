/**
 * Who may become a client. A request passes a list of steps in order, cheap and local first (client-protocol: "Refusals"); the
 * first refusal ends it. What a step takes (a place, a token, a lease) is given back when the connection ends or a later
 * step refuses, once.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Filter } from '../filter/filter.ts';
import type { ClientEncoding } from '../stream/contract.ts';
import type { ResumeWish } from '../stream/resume.ts';
import type { Refusal } from './refusal.ts';

/** A request on a WebSocket route. */
export interface Candidate {
  /**
   * The key in the path, percent-decoded, of any length that fits a request head; `undefined` on `/ws` and `/ws/filter`. Keys in
   * headers are the key step's to read.
   */
  readonly key?: string | undefined;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

/** What a connection was admitted with; kept as long as it lives, and so free of anything of the request. */
export interface Grant {
  /** What the client counts by, normalised: IPv6 shortened, IPv4-mapped as IPv4; `undefined` when its socket is gone. */
  readonly address: string | undefined;
  encoding: ClientEncoding;
  /** Whose key it is; set by the key step. `undefined` for a client without a key. */
  application?: string | undefined;
  /** Connections that the application may have; `undefined` is no limit. */
  applicationLimit?: number | undefined;
  /** Names the key that the client was admitted by, and tells nothing about it; its connections end when it is revoked. */
  keyId?: string | undefined;
  /** Where the client wants to go on; only until it has been let in. `undefined`: it asked for nothing. */
  resume?: ResumeWish | undefined;
  /** Which messages the client wants; only until it has been let in. `undefined`: all. */
  filter?: Filter | undefined;
}

export interface AdmissionStep {
  /**
   * Whether there is a route for the candidate at all: 404 otherwise, before anything else is looked at (client-protocol: `/ws`
   * without a key where keys are needed, `/ws/{key}` where there are none). Takes nothing.
   */
  hasRoute?(candidate: Candidate): boolean;
  /** @returns `undefined` to pass; a refusal ends the admission and must have taken nothing */
  admit(candidate: Candidate, grant: Grant): Refusal | undefined | Promise<Refusal | undefined>;
  /** Gives back what a pass took. */
  release?(grant: Grant): void;
}

export class Admission {
  readonly #steps: readonly AdmissionStep[];

  constructor(steps: readonly AdmissionStep[]) {
    this.#steps = steps;
  }

  /** Whether every step knows a route for the candidate. */
  hasRoute(candidate: Candidate): boolean {
    return this.#steps.every((step) => step.hasRoute?.(candidate) !== false);
  }

  /**
   * @returns the first refusal, after which nothing is held; `undefined` when admitted: then call {@link release} once
   * @throws what a step throws, after which nothing is held either
   */
  async admit(candidate: Candidate, grant: Grant): Promise<Refusal | undefined> {
    let passed = 0;
    try {
      for (const step of this.#steps) {
        const verdict = step.admit(candidate, grant);
        // Only what has to be waited for costs a turn of the microtask queue.
        const refusal = verdict instanceof Promise ? await verdict : verdict;
        if (refusal !== undefined) {
          this.#releaseFirst(passed, grant);
          return refusal;
        }
        passed += 1;
      }
      return undefined;
    } catch (error) {
      this.#releaseFirst(passed, grant);
      throw error;
    }
  }

  /** Gives back all that an admitted connection holds. */
  release(grant: Grant): void {
    this.#releaseFirst(this.#steps.length, grant);
  }

  #releaseFirst(count: number, grant: Grant): void {
    for (const step of this.#steps.slice(0, count).reverse()) step.release?.(grant);
  }
}
