import { rename, writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type KeyStore, type KeyStoreOptions, createKeyStore } from '../../../edge/keys/key-store.ts';
import { createKeyMetrics } from '../../../shared/metrics/key-metrics.ts';
import { samplesOf } from '../harness.ts';
import { ScratchFolder } from './scratch-folder.ts';

/** 2026-11-23T00:00:00Z. */
export const START = Date.UTC(2026, 10, 23);

/** A store with a file in a folder of its own, a clock that the test sets, and what was logged and told. */
export class StoreHarness implements AsyncDisposable {
  readonly registry = new Registry();
  readonly log: Record<string, unknown>[] = [];
  /** Each lapse as it was told: why, and the names. */
  readonly lapses: [string, ...string[]][] = [];
  readonly path: string;
  readonly store: KeyStore;
  now = START;
  readonly #folder: ScratchFolder;

  private constructor(folder: ScratchFolder, options: KeyStoreOptions) {
    this.#folder = folder;
    this.path = folder.file('keys');
    const log = pino({ level: 'trace' }, { write: (line: string) => void this.log.push(JSON.parse(line) as never) });
    const store = createKeyStore(
      { apiKeysFile: this.path, ...options },
      { metrics: createKeyMetrics(this.registry), log, now: () => this.now },
    );
    if (store === undefined) throw new Error('no keys are set');
    this.store = store;
    store.onLapsed((keyIds, lapse) => this.lapses.push([lapse, ...keyIds]));
  }

  /** @param lines of the file at the beginning; without them there is none */
  static async make(lines: readonly string[] | undefined, options: KeyStoreOptions = {}): Promise<StoreHarness> {
    const folder = await ScratchFolder.make();
    try {
      if (lines !== undefined) await writeFile(folder.file('keys'), lines.join('\n'));
      return new StoreHarness(folder, options);
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts another file in the place of the one before, as editors do. */
  async replace(...lines: readonly string[]): Promise<void> {
    await writeFile(this.#folder.file('new'), lines.join('\n'));
    await rename(this.#folder.file('new'), this.path);
  }

  /** Looks as often as it takes until a change counts. */
  async settle(): Promise<void> {
    await this.store.look();
    await this.store.look();
  }

  logged(message: string): Record<string, unknown>[] {
    return this.log.filter(({ msg }) => msg === message);
  }

  async sample(name: string): Promise<number | undefined> {
    return (await samplesOf(this.registry)).get(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}
