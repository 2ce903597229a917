import { Registry } from 'prom-client';
import type { Logger } from '../shared/log.ts';
import { LoopLag } from '../shared/metrics/loop-lag.ts';
import { createRegistry, type RegistryOptions } from '../shared/metrics/registry.ts';
import { createOperations, type Check, type Operations } from '../shared/operations/operations.ts';
import { StallDetector } from '../shared/stall-detector.ts';
import type { PageProgram, StreamPort } from '../shared/status/contract.ts';
import { StatusFeed } from '../shared/status/status-feed.ts';
import { type StatusPage, createStatusPage } from '../shared/status/status-page.ts';
import { readVersion } from '../shared/version.ts';

export interface InstrumentsSettings extends RegistryOptions {
  /** METRICS: whether the operations server is there. */
  readonly metrics: boolean;
  readonly metricsAddr: { readonly host: string; readonly port: number };
  /** STATUS_PAGE: whether it has the live page. */
  readonly statusPage: boolean;
}

/** What the status page says of the process itself. */
export interface PageIdentity {
  readonly program: PageProgram;
  /** INGEST_ID or EDGE_ID. */
  readonly id: string;
  /** Where clients connect, if they do. */
  readonly stream: StreamPort | null;
}

/** What a program tells of its parts. */
export interface Told {
  checks(): readonly Check[];
  status(): object;
}

/** What `/metrics` and the status page are made of. */
export type Measured = Pick<Registry, 'metrics' | 'contentType' | 'getSingleMetric'>;

/** What every serving program has beside its parts: metrics, the watch on its event loop, the operations server. */
export class Instruments {
  readonly registry: Registry;
  readonly stall = new StallDetector();
  readonly #loopLag = new LoopLag();
  /** What the status page is told; `undefined` where there is none. */
  readonly feed: StatusFeed | undefined;
  readonly #page: StatusPage | undefined;
  readonly #measured: Measured;
  readonly #settings: InstrumentsSettings;
  readonly #log: Logger;
  #operations: Operations | undefined;
  #parts: readonly Told[] = [];
  #stopped = false;

  /** @param measured of all processes that are told of; the process' own registry without it */
  constructor(identity: PageIdentity, settings: InstrumentsSettings, log: Logger, measured?: Measured) {
    this.registry = createRegistry(settings, this.#loopLag);
    this.#measured = measured ?? this.registry;
    this.#settings = settings;
    this.#log = log;
    if (!settings.metrics || !settings.statusPage) return;
    this.feed = new StatusFeed(
      { ...identity, version: readVersion().version },
      { metrics: this.#measured, checks: () => this.#checks(), log },
    );
    this.#page = createStatusPage(identity, this.feed);
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
    this.#loopLag.start();
    if (!this.#settings.metrics) return;
    this.#parts = parts;
    this.feed?.start();
    await this.#page?.start();
    if (this.#isStopped()) return;
    const startedAt = Date.now();
    this.#operations = createOperations(this.#settings, {
      registry: this.#measured,
      checks: () => this.#checks(),
      status: () =>
        Object.assign(
          { program, ...version, startedAt: new Date(startedAt).toISOString() },
          ...parts.map((part) => part.status()),
        ) as object,
      log: this.#log,
      page: this.#page,
    });
    await this.#operations.start();
    this.#log.info(this.#operations.address(), 'serving metrics and health');
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.stall.stop();
    this.#loopLag.stop();
    this.feed?.stop();
    this.#page?.stop();
    await this.#operations?.stop();
  }

  /** Asked after each wait of the start, as a stop may have come meanwhile. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  #checks(): Check[] {
    return this.#parts.flatMap((part) => part.checks());
  }
}
