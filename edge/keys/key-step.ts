import type { AdmissionStep, Candidate, Grant } from '../admission/admission.ts';
import { clientNetwork } from '../admission/client-network.ts';
import { NOT_FOUND, type Refusal } from '../admission/refusal.ts';
import type { FailedKeys } from './failed-keys.ts';
import type { KeyStore } from './key-store.ts';
import { presentedKey } from './presented-key.ts';

export interface KeyStepSettings {
  /** Clients without a key are let in, too. */
  readonly publicAccessEnabled: boolean;
  /** Bits of an IPv6 address that make one client. */
  readonly ipv6Prefix: number;
}

export interface KeyStepDependencies {
  readonly keys: Pick<KeyStore, 'find'>;
  readonly failures: Pick<FailedKeys, 'take'>;
  readonly unauthorizedRequests: { inc(): void };
}

export const INVALID_KEY: Refusal = { status: 401, message: 'Invalid API key', result: 'unauthorized' };

/**
 * The step of the admission that checks keys, where there are any. A client without a key is let in with public access only;
 * one with a wrong key is not, in any case. A right key is never refused for the wrong ones from its address: clients
 * behind one address have nothing to do with each other.
 */
export class KeyStep implements AdmissionStep {
  readonly #settings: KeyStepSettings;
  readonly #deps: KeyStepDependencies;

  constructor(settings: KeyStepSettings, dependencies: KeyStepDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
  }

  /** Without a key and without public access there is no such route, as in the reference. */
  hasRoute(candidate: Candidate): boolean {
    return this.#settings.publicAccessEnabled || presentedKey(candidate).kind !== 'none';
  }

  admit(candidate: Candidate, grant: Grant): Refusal | undefined {
    const presented = presentedKey(candidate);
    if (presented.kind === 'none') return this.#settings.publicAccessEnabled ? undefined : NOT_FOUND;
    const known = presented.kind === 'one' ? this.#deps.keys.find(presented.key) : undefined;
    if (known === undefined) return this.#fail(grant);
    Object.assign(grant, known);
    return undefined;
  }

  #fail({ address }: Grant): Refusal {
    this.#deps.unauthorizedRequests.inc();
    const waitMs = this.#deps.failures.take(address && clientNetwork(address, this.#settings.ipv6Prefix));
    return waitMs === 0 ? INVALID_KEY : tooMany(waitMs);
  }
}

function tooMany(waitMs: number): Refusal {
  return {
    status: 429,
    message: 'Too many invalid API keys',
    result: 'key_rate',
    headers: { 'Retry-After': String(Math.ceil(waitMs / 1000)) },
  };
}
