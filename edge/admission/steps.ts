/** The steps of the admission that need nothing beyond this process. */
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

/** Bounds the clients of this process (INSTANCE_CONNECTION_LIMIT), those in the middle of their admission included. */
export class InstanceLimitStep implements AdmissionStep {
  readonly #limit: number;
  readonly #onRefused: () => void;
  #taken = 0;

  constructor(limit: number, onRefused: () => void) {
    this.#limit = limit;
    this.#onRefused = onRefused;
  }

  get taken(): number {
    return this.#taken;
  }

  admit(): Refusal | undefined {
    if (this.#taken >= this.#limit) {
      this.#onRefused();
      return INSTANCE_FULL;
    }
    this.#taken += 1;
    return undefined;
  }

  release(): void {
    this.#taken -= 1;
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
