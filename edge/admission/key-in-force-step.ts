import type { KeyStore } from '../keys/key-store.ts';
import { INVALID_KEY } from '../keys/key-step.ts';
import type { AdmissionStep, Candidate, Grant } from './admission.ts';
import type { Refusal } from './refusal.ts';

/**
 * Looks again whether the key that a client was let in by still counts: it may have been revoked while an earlier step waited for
 * Redis, and those who end a revoked key's connections have looked already. Nothing may wait behind it.
 */
export class KeyInForceStep implements AdmissionStep {
  readonly #keys: Pick<KeyStore, 'isInForce'>;

  constructor(keys: Pick<KeyStore, 'isInForce'>) {
    this.#keys = keys;
  }

  admit(_candidate: Candidate, { keyId }: Grant): Refusal | undefined {
    return keyId === undefined || this.#keys.isInForce(keyId) ? undefined : INVALID_KEY;
  }
}
