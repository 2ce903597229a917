/** The steps of the admission that need nothing beyond this machine. */
import type { AdmissionStep, Candidate } from './admission.ts';
import { DRAINING, INSTANCE_FULL, type Refusal } from './refusal.ts';

/** Refuses new clients while the edge drains. */
export class DrainingStep implements AdmissionStep {
  readonly #isRefusing: () => boolean;

  constructor(isRefusing: () => boolean) {
    this.#isRefusing = isRefusing;
  }

  admit(): Refusal | undefined {
    return this.#isRefusing() ? DRAINING : undefined;
  }
}

/** Places for clients. Whoever shares INSTANCE_CONNECTION_LIMIT with other processes takes them where all take theirs. */
export interface Places {
  /** @returns whether there was one; it is held until {@link release} */
  take(): boolean | Promise<boolean>;
  /** Gives a place back. */
  release(): void;
}

/** The places of a process that shares them with nobody. */
export class OwnPlaces implements Places {
  readonly #limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  take(): boolean {
    if (this.#taken >= this.#limit) return false;
    this.#taken += 1;
    return true;
  }

  release(): void {
    this.#taken -= 1;
  }
}

/** Bounds the clients (INSTANCE_CONNECTION_LIMIT), those in the middle of their admission included. */
export class InstanceLimitStep implements AdmissionStep {
  readonly #places: Places;
  readonly #onRefused: () => void;

  constructor(places: Places, onRefused: () => void) {
    this.#places = places;
    this.#onRefused = onRefused;
  }

  admit(): Refusal | undefined | Promise<Refusal | undefined> {
    const taken = this.#places.take();
    return typeof taken === 'boolean' ? this.#verdict(taken) : taken.then((had) => this.#verdict(had));
  }

  release(): void {
    this.#places.release();
  }

  #verdict(taken: boolean): Refusal | undefined {
    if (taken) return undefined;
    this.#onRefused();
    return INSTANCE_FULL;
  }
}

/** Stands for the key step where no keys are set: there is no route with a key then, and headers with one mean nothing. */
export class WithoutKeysStep implements AdmissionStep {
  hasRoute({ key }: Candidate): boolean {
    return key === undefined;
  }

  admit(): undefined {
    return undefined;
  }
}
