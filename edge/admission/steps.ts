/** The steps of the admission that need nothing beyond this process. */
import type { ClientEncoding } from '../stream/contract.ts';
import type { AdmissionStep, Candidate, Grant } from './admission.ts';
import { DRAINING, INSTANCE_FULL, type Refusal, badRequest } from './refusal.ts';

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

const ENCODINGS: ReadonlySet<string> = new Set(['br', 'identity', 'text'] satisfies ClientEncoding[]);

function isEncoding(value: string): value is ClientEncoding {
  return ENCODINGS.has(value);
}

/** Reads the query parameters that say how a client wants its messages. Names that are not known are ignored. */
export class ParametersStep implements AdmissionStep {
  admit(candidate: Candidate, grant: Grant): Refusal | undefined {
    const [encoding, ...more] = candidate.query.getAll('encoding');
    if (more.length > 0) return badRequest('encoding: expected once');
    if (encoding === undefined) return undefined;
    if (!isEncoding(encoding)) return badRequest('encoding: expected br, identity or text');
    grant.encoding = encoding;
    return undefined;
  }
}
