/** All keys that count at one time. A set never changes: new keys are a new set. */
import { timingSafeEqual } from 'node:crypto';
import { SettingsError } from '../../shared/config/settings-error.ts';
import { type FileKey, KeyFileError } from './key-file.ts';
import type { KeyRecord } from './key-record.ts';

export class KeySet {
  readonly #byDigest: ReadonlyMap<string, KeyRecord>;
  readonly #limits: ReadonlyMap<string, number>;
  /** How many applications have a key. */
  readonly applications: number;

  /**
   * A limit is the application's, however many keys it has: it is enough that one of them names it, and those that do agree.
   * A key that both sources name for one application is the setting's, without the expiry that the file may give it.
   *
   * @throws SettingsError where the setting contradicts itself
   * @throws KeyFileError where the file contradicts itself or the setting
   */
  constructor(settings: readonly KeyRecord[], file: readonly FileKey[]) {
    const byDigest = new Map<string, KeyRecord>();
    const limits = new Map<string, { limit: number; place: string }>();
    const applications = new Set<string>();
    const add = (record: KeyRecord): void => {
      applications.add(record.application);
      byDigest.set(record.digest, record);
    };
    settings.forEach((record, at) => {
      const conflict = noteLimit(limits, record, `entry ${at + 1} of API_KEYS`);
      if (conflict !== undefined) throw new SettingsError([`API_KEYS: entry ${at + 1}: ${conflict}`]);
      add(record);
    });
    for (const key of file) {
      const conflict = noteLimit(limits, key, `line ${key.line}`);
      if (conflict !== undefined) throw new KeyFileError(conflict, key.line);
      const present = byDigest.get(key.digest);
      if (present === undefined) add(key);
      else if (present.application !== key.application)
        throw new KeyFileError("the same key as another application's in API_KEYS", key.line);
    }
    this.#byDigest = byDigest;
    this.#limits = new Map([...limits].map(([application, { limit }]) => [application, limit]));
    this.applications = applications.size;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  /**
   * @param digest SHA-256 of what a client presented. How long the map takes tells about the digest, from which nothing
   *   follows about the key; the comparison that decides takes the same time for all.
   */
  find(digest: Buffer): KeyRecord | undefined {
    const found = this.#byDigest.get(digest.toString('hex'));
    return found !== undefined && timingSafeEqual(Buffer.from(found.digest, 'hex'), digest) ? found : undefined;
  }

  /** @returns connections that the application may have; `undefined` is no limit */
  limitOf(application: string): number | undefined {
    return this.#limits.get(application);
  }
}

/** @returns what is wrong with the limit that a key names; `undefined` when it names none or the same as those before it */
function noteLimit(
  limits: Map<string, { limit: number; place: string }>,
  { application, limit }: KeyRecord,
  place: string,
): string | undefined {
  if (limit === undefined) return undefined;
  const before = limits.get(application);
  if (before === undefined) limits.set(application, { limit, place });
  else if (before.limit !== limit) return `expected the limit of ${before.place}, as both are of one application`;
  return undefined;
}
