/**
 * The keys that count now: those of API_KEYS, and those of API_KEYS_FILE, which is read again when it changes and on demand. A
 * file that cannot be used changes nothing: the keys from before stay in force.
 */
import { createHash } from 'node:crypto';
import { readBoundedFile } from '../../shared/config/layers/bounded-file.ts';
import { showValue } from '../../shared/config/mask.ts';
import { SettingsError } from '../../shared/config/settings-error.ts';
import { every } from '../../shared/every.ts';
import type { Logger } from '../../shared/log.ts';
import type { KeyMetrics } from '../../shared/metrics/key-metrics.ts';
import { SHORT_KEY_CHARACTERS, digestOf } from './api-key.ts';
import { KeyFileError, MAX_FILE_BYTES, parseKeyFile } from './key-file.ts';
import type { KeyRecord } from './key-record.ts';
import { KeySet } from './key-set.ts';
import { KeyUses, type Lapse, hasExpired } from './key-uses.ts';
import { parseSettingsKeys } from './settings-keys.ts';
import { type Reading, WatchedFile } from './watched-file.ts';

export interface KeyStoreOptions {
  /** `app:key` or `app:key:limit`. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Path of the key file. */
  readonly apiKeysFile?: string | undefined;
}

export interface KeyStoreDependencies {
  readonly metrics: KeyMetrics;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a client with a key is let in with. */
export interface KnownKey {
  /** Names the key; tells nothing about it. */
  readonly keyId: string;
  readonly application: string;
  /** Connections that the application may have; `undefined` is no limit. */
  readonly applicationLimit: number | undefined;
}

/** Called with the names of all keys that lapsed at once; a name never comes back. */
export type LapseListener = (keyIds: ReadonlySet<string>, lapse: Lapse) => void;

/**
 * A change counts when the file looks the same at two looks (see {@link WatchedFile}), within two seconds, which leaves three
 * of the five in which a revoked key's connections must be closed. Expiry is looked at as often, by the clock and not by
 * a timer of its own, which a clock that is set would deceive.
 */
const LOOK_EVERY_MS = 1000;

export class KeyStore {
  readonly #deps: KeyStoreDependencies;
  readonly #settingsKeys: readonly KeyRecord[];
  readonly #file: WatchedFile | undefined;
  readonly #uses = new KeyUses();
  readonly #listeners = new Set<LapseListener>();
  #keys: KeySet;
  /** Hash of the text that the keys of the file come from. */
  #loaded: string | undefined;
  /** What was refused last, by the hash of its text or by the reason; `undefined` when the file is in order. */
  #refused: string | undefined;
  #endLooks: (() => void) | undefined;
  /** One reading at a time: an older one must not be taken after a newer. */
  #reading: Promise<void> | undefined;
  #reloading: Promise<void> | undefined;
  #stopped = false;

  /**
   * Reads the keys, so that a program with wrong ones does not begin.
   *
   * @throws SettingsError that names API_KEYS or API_KEYS_FILE and never what stands in them
   */
  constructor({ apiKeys = [], apiKeysFile }: KeyStoreOptions, deps: KeyStoreDependencies) {
    this.#deps = deps;
    this.#settingsKeys = parseSettingsKeys(apiKeys);
    this.#keys = new KeySet(this.#settingsKeys, []);
    if (apiKeysFile !== undefined) {
      const reading = readBoundedFile(apiKeysFile, '.', MAX_FILE_BYTES);
      if (!reading.ok)
        throw new SettingsError([`API_KEYS_FILE: the file ${showValue(apiKeysFile, false)} ${reading.reason}`]);
      this.#keys = this.#readFirst(reading.text);
      this.#file = new WatchedFile(apiKeysFile, MAX_FILE_BYTES);
    }
    deps.metrics.apiKeysLoaded.set(this.#keys.size);
    const short = apiKeys.filter((entry) => (entry.split(':')[1] ?? '').length < SHORT_KEY_CHARACTERS).length;
    if (short > 0) deps.log.warn({ keys: short }, 'API_KEYS holds keys short enough to be guessed');
  }

  /** Begins to watch the file and the clock. */
  start(): void {
    const { size, applications } = this.#keys;
    this.#deps.log.info({ keys: size, applications }, 'API keys loaded');
    if (this.#file === undefined || this.#endLooks !== undefined || this.#stopped) return;
    this.#endLooks = every(LOOK_EVERY_MS, () => void this.look());
  }

  /** Ends the watching. Nobody is told of a lapse any more. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#endLooks?.();
    this.#endLooks = undefined;
    this.#listeners.clear();
  }

  /**
   * @param key as the client presented it: text, or the bytes of a header
   * @returns `undefined` for a key that is unknown or has expired
   */
  find(key: string | Buffer): KnownKey | undefined {
    const digest = digestOf(key);
    const record = digest && this.#keys.find(digest);
    if (record === undefined || hasExpired(record, this.#now())) return undefined;
    const { application } = record;
    return { keyId: this.#uses.nameOf(record), application, applicationLimit: this.#keys.limitOf(application) };
  }

  /**
   * Whether a key still counts: to be asked when a client that was let in by it begins, as between the two Redis is asked, and
   * what lapsed meanwhile was told of already.
   */
  isInForce(keyId: string): boolean {
    const record = this.#recordOf(this.#uses.digestOf(keyId));
    return record !== undefined && !hasExpired(record, this.#now());
  }

  /** @returns ends the listening */
  onLapsed(listener: LapseListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For `/status.json`. */
  status(): { readonly keys: number; readonly applications: number; readonly fileRefused: boolean } {
    const { size, applications } = this.#keys;
    return { keys: size, applications, fileRefused: this.#refused !== undefined };
  }

  /**
   * Reads the file now, changed or not (SIGHUP), and says in the log what came of it. Resolves when the new keys count; calls
   * that come while one waits are one.
   */
  reload(): Promise<void> {
    this.#reloading ??= this.#reload();
    return this.#reloading;
  }

  /** One look at clock and file, as the timer takes them. Resolves when what it brought about is done. */
  look(): Promise<void> {
    this.#tellLapsed();
    // A file system that hangs holds one look up and no second one.
    return this.#reading ?? this.#readOnce(() => this.#look());
  }

  #readOnce(read: () => Promise<void>): Promise<void> {
    this.#reading = read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #look(): Promise<void> {
    const reading = await this.#file?.look();
    if (reading !== undefined) this.#take(reading, false);
  }

  async #reload(): Promise<void> {
    do await this.#reading;
    while (this.#reading !== undefined);
    this.#reloading = undefined;
    await this.#readOnce(async () => {
      if (this.#file === undefined) this.#deps.log.info('no API_KEYS_FILE to read again');
      else this.#take(await this.#file.read(), true);
    });
  }

  #readFirst(text: string): KeySet {
    try {
      const keys = new KeySet(this.#settingsKeys, parseKeyFile(text));
      this.#loaded = hashOf(text);
      return keys;
    } catch (error) {
      if (error instanceof KeyFileError) throw new SettingsError([`API_KEYS_FILE: ${error.message}`]);
      throw error;
    }
  }

  /** @param asked somebody waits for an answer in the log */
  #take(reading: Reading, asked: boolean): void {
    if (this.#stopped) return;
    if (!reading.ok) {
      this.#refuse(reading.reason, { reason: reading.reason }, asked);
      return;
    }
    const hash = hashOf(reading.text);
    const { log, metrics } = this.#deps;
    if (hash === this.#loaded) {
      if (asked || this.#refused !== undefined)
        log.info({ keys: this.#keys.size }, 'API_KEYS_FILE holds the keys in force');
      this.#refused = undefined;
      return;
    }
    try {
      this.#keys = new KeySet(this.#settingsKeys, parseKeyFile(reading.text));
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      this.#refuse(hash, { line: error.line, reason: error.reason }, asked);
      return;
    }
    this.#loaded = hash;
    this.#refused = undefined;
    metrics.apiKeysLoaded.set(this.#keys.size);
    log.info({ keys: this.#keys.size, applications: this.#keys.applications }, 'API keys loaded');
    this.#tellLapsed();
  }

  /** Once for each state of the file, or else a file that stays broken would fill the log. */
  #refuse(state: string, why: { line?: number | undefined; reason: string }, asked: boolean): void {
    if (state === this.#refused && !asked) return;
    this.#refused = state;
    this.#deps.metrics.apiKeysReloadFailures.inc();
    this.#deps.log.error(why, 'API_KEYS_FILE refused, the keys from before stay in force');
  }

  #tellLapsed(): void {
    if (this.#uses.size === 0) return;
    const lapsed = this.#uses.lapse((digest) => this.#recordOf(digest), this.#now());
    for (const lapse of ['revoked', 'expired'] as const) {
      const keyIds = lapsed[lapse];
      if (keyIds.size === 0) continue;
      this.#deps.log.info({ keys: keyIds.size, lapse }, 'API keys count no more, their connections end');
      for (const listener of this.#listeners) listener(keyIds, lapse);
    }
  }

  #recordOf(digest: string | undefined): KeyRecord | undefined {
    return digest === undefined ? undefined : this.#keys.find(Buffer.from(digest, 'hex'));
  }

  #now(): number {
    return this.#deps.now?.() ?? Date.now();
  }
}

/** @returns `undefined` where no keys are set: every client is let in without one then */
export function createKeyStore(options: KeyStoreOptions, deps: KeyStoreDependencies): KeyStore | undefined {
  const { apiKeys = [], apiKeysFile } = options;
  return apiKeys.length === 0 && apiKeysFile === undefined ? undefined : new KeyStore(options, deps);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
