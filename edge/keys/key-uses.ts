/** Which keys clients were let in by, each under a name that tells nothing about it. */
import type { KeyRecord } from './key-record.ts';

/** Why the connections of a key are to end. */
export type Lapse = 'revoked' | 'expired';

export class KeyUses {
  readonly #byDigest = new Map<string, { readonly id: string; readonly application: string }>();
  readonly #digestOf = new Map<string, string>();
  #named = 0;

  /** How many keys have a name: at most those that are loaded. */
  get size(): number {
    return this.#byDigest.size;
  }

  /** @returns the key's name, the same until it lapses */
  nameOf({ digest, application }: KeyRecord): string {
    const present = this.#byDigest.get(digest);
    if (present !== undefined) return present.id;
    this.#named += 1;
    const id = `key-${this.#named}`;
    this.#byDigest.set(digest, { id, application });
    this.#digestOf.set(id, digest);
    return id;
  }

  /** @returns the digest of the key of a name; `undefined` when it has lapsed */
  digestOf(id: string): string | undefined {
    return this.#digestOf.get(id);
  }

  /**
   * Takes out what counts no more: each such key would get another name, were it to count again.
   *
   * @param current what is known of a digest now
   * @param now milliseconds since 1970
   * @returns the names that have lapsed; a key that has become another application's has, too
   */
  lapse(current: (digest: string) => KeyRecord | undefined, now: number): Readonly<Record<Lapse, ReadonlySet<string>>> {
    const lapsed = { revoked: new Set<string>(), expired: new Set<string>() };
    for (const [digest, { id, application }] of this.#byDigest) {
      const record = current(digest);
      const lapse = record?.application !== application ? 'revoked' : hasExpired(record, now) ? 'expired' : undefined;
      if (lapse === undefined) continue;
      lapsed[lapse].add(id);
      this.#byDigest.delete(digest);
      this.#digestOf.delete(id);
    }
    return lapsed;
  }
}

/** @param now milliseconds since 1970 */
export function hasExpired({ expiresAt }: KeyRecord, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt;
}
