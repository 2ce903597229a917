import { Registry } from 'prom-client';
import type { Logger } from '../shared/log.ts';
import { createRegistry, type RegistryOptions } from '../shared/metrics/registry.ts';
import { createOperations, type Check, type Operations } from '../shared/operations/operations.ts';
import { StallDetector } from '../shared/stall-detector.ts';
import { readVersion } from '../shared/version.ts';

export interface InstrumentsSettings extends RegistryOptions {
  /** METRICS: whether the operations server is there. */
  readonly metrics: boolean;
  readonly metricsAddr: { readonly host: string; readonly port: number };
}

/** What a program tells of its parts. */
export interface Told {
  checks(): readonly Check[];
  status(): object;
}

/** What every serving program has beside its parts: metrics, the watch on its event loop, the operations server. */
export class Instruments {
  readonly registry: Registry;
  readonly stall = new StallDetector();
  readonly #settings: InstrumentsSettings;
  readonly #log: Logger;
  #operations: Operations | undefined;
  #stopped = false;

  constructor(settings: InstrumentsSettings, log: Logger) {
    this.registry = createRegistry(settings);
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Serves what `parts` tell; before they are started, so that a probe is answered while they wait for something. Does
   * nothing once stopped.
   */
  async start(program: string, parts: readonly Told[]): Promise<void> {
    if (this.#stopped) return;
    const version = readVersion();
    this.#log.info({ program, ...version, node: process.version }, 'starting');
    this.stall.start();
    if (!this.#settings.metrics) return;
    const startedAt = Date.now();
    this.#operations = createOperations(this.#settings, {
      registry: this.registry,
      checks: () => parts.flatMap((part) => part.checks()),
      status: () =>
        Object.assign(
          { program, ...version, startedAt: new Date(startedAt).toISOString() },
          ...parts.map((part) => part.status()),
        ) as object,
      log: this.#log,
    });
    await this.#operations.start();
    this.#log.info(this.#operations.address(), 'serving metrics and health');
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.stall.stop();
    await this.#operations?.stop();
  }
}
