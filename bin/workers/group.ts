/**
 * The primary's watch over its workers: all are started at once, one that ends or stands still is replaced, and all are drained
 * together. It serves no client itself.
 */
import type { EdgeSettings } from '../../shared/config/settings.ts';
import type { Logger } from '../../shared/log.ts';
import type { WorkerGroupMetrics } from '../../shared/metrics/worker-group-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { StreamMessage } from '../../shared/status/stream-history.ts';
import type { Word } from './messages.ts';
import { PlacePool } from './place-pool.ts';
import { Slot } from './slot.ts';
import type { SpawnWorker, WorkerEnd } from './worker-process.ts';
import { workerSettings } from './worker-settings.ts';

export interface GroupClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** @returns cancels the call */
  after(delayMs: number, callback: () => void): () => void;
}

export interface GroupDependencies {
  readonly spawn: SpawnWorker;
  readonly clock: GroupClock;
  readonly stall: Pick<StallDetector, 'check'>;
  readonly metrics: Pick<WorkerGroupMetrics, 'workerEnds'>;
  /** Told each message of the stream once, as one of the workers has it. */
  readonly onMessage?: (message: StreamMessage, lostBefore: number) => void;
  readonly log: Logger;
}

/** How often it is looked whether a worker stands still. */
const LOOK_EVERY_MS = 1000;
/** What a worker may take beyond DRAIN_TIMEOUT_MS to give back its leases and to end. */
const END_WITHIN_MS = 2000;

export class WorkerGroup {
  readonly slots: readonly Slot[];
  /** Rejects when the workers cannot be kept alive, after the start. */
  readonly failed: Promise<never>;
  readonly #settings: EdgeSettings;
  readonly #deps: GroupDependencies;
  readonly #places: PlacePool;
  readonly #cancels = new Set<() => void>();
  #fail: (error: Error) => void = () => undefined;
  #begun: Promise<void> | undefined;
  #allListen: () => void = () => undefined;
  #startFailed: (error: Error) => void = () => undefined;
  /** All workers have listened once: from then on one that ends is replaced, before that it is the end. */
  #complete = false;
  #stopped: Promise<void> | undefined;
  #allEnded: () => void = () => undefined;

  constructor(settings: EdgeSettings, workers: number, dependencies: GroupDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    this.#places = new PlacePool(settings.instanceConnectionLimit);
    this.slots = Array.from({ length: workers }, (_, at) => new Slot(at + 1));
    this.failed = new Promise((_, reject) => (this.#fail = reject));
    // Who started the group hears of it; nobody else has to.
    this.failed.catch(() => undefined);
  }

  /** Resolves when all workers listen for clients, or on {@link stop}; rejects when one cannot start. */
  start(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.resolve();
    this.#begun ??= this.#start();
    return this.#begun;
  }

  /** Whether all workers have listened for clients once. */
  get isComplete(): boolean {
    return this.#complete;
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  now(): number {
    return this.#deps.clock.now();
  }

  /** Has all workers read again what may change. */
  reload(): void {
    for (const slot of this.slots) slot.send({ kind: 'reload' });
  }

  /** Drains all workers at the same time; those that do not end are ended. Resolves when none is left. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const listening = new Promise<void>((resolve, reject) => {
      this.#allListen = resolve;
      this.#startFailed = reject;
    });
    for (const slot of this.slots) this.#spawn(slot);
    this.#lookLater();
    await listening;
  }

  async #stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#allListen();
    const ended = new Promise<void>((resolve) => (this.#allEnded = resolve));
    for (const slot of this.slots) {
      if (slot.greeted) slot.send({ kind: 'stop' });
      else slot.process?.kill();
    }
    this.#lookLater();
    this.#after(this.#settings.drainTimeoutMs + END_WITHIN_MS, () => {
      for (const slot of this.slots) slot.process?.kill();
    });
    this.#settleStop();
    await ended;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #spawn(slot: Slot): void {
    const process = this.#deps.spawn({
      said: (word) => {
        this.#said(slot, word);
      },
      ended: (end) => {
        this.#ended(slot, end);
      },
    });
    slot.begin(process, this.now());
  }

  #said(slot: Slot, word: Word): void {
    slot.heardAt = this.now();
    switch (word.kind) {
      case 'hello':
        slot.greeted = true;
        slot.send({
          kind: 'begin',
          number: slot.number,
          settings: workerSettings(this.#settings, slot.number, this.slots.length),
        });
        break;
      case 'listening':
        slot.listening = true;
        this.#deps.log.info({ worker: slot.number, pid: slot.process?.pid }, 'worker serves');
        this.#checkComplete();
        break;
      case 'failed':
        slot.failure = word.reason;
        break;
      case 'report':
        slot.report = word.report;
        break;
      case 'message':
        if (slot === this.#teller()) this.#deps.onMessage?.(word.message, word.lostBefore);
        break;
      case 'metrics':
        slot.metrics.told(word.metrics);
        break;
      case 'places':
        this.#places.turn(slot, word.freed, word.wanted);
        break;
      default:
        word satisfies never;
    }
  }

  /** The worker by whom the stream is told of. */
  #teller(): Slot | undefined {
    const now = this.now();
    return this.slots.find((slot) => slot.state(now) === 'serving');
  }

  #checkComplete(): void {
    this.#complete ||= this.slots.every(({ listening }) => listening);
    if (this.#complete) this.#allListen();
  }

  #ended(slot: Slot, end: WorkerEnd): void {
    const { log, metrics } = this.#deps;
    const pid = slot.process?.pid;
    const served = slot.listening;
    const { failure, greeted, hung } = slot;
    this.#places.gone(slot);
    slot.end();
    if (this.isStopping) {
      if (end.code !== 0 && greeted)
        log.warn({ worker: slot.number, pid, ...end }, 'worker ended before it was drained');
      this.#settleStop();
      return;
    }
    metrics.workerEnds.inc({ how: hung ? 'hung' : end.signal === null ? 'exit' : 'signal' });
    const delayMs = slot.restarts.ended(this.now() - slot.startedAt);
    if (!this.#complete && !served) {
      this.#startFailed(new Error(`worker ${slot.number} could not start: ${failure ?? endText(end)}`));
      return;
    }
    log.error({ worker: slot.number, pid, ...end, hung, replacedInMs: delayMs }, 'worker ended, will be replaced');
    if (this.slots.every((one) => !one.listening && one.restarts.hopeless)) {
      this.#fail(new Error(`no worker stays alive; the last one ended with: ${failure ?? endText(end)}`));
      return;
    }
    this.#after(delayMs, () => {
      slot.replacements += 1;
      this.#spawn(slot);
    });
  }

  #lookLater(): void {
    this.#after(LOOK_EVERY_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  /** What the workers said while this process stood still is still to be read. */
  #look(): void {
    const { log, stall } = this.#deps;
    const now = this.now();
    if (stall.check()) for (const slot of this.slots) slot.heardAt = now;
    for (const slot of this.slots) {
      if (slot.hung || !slot.isOverdue(now)) continue;
      slot.hung = true;
      const silentMs = Math.round(now - slot.heardAt);
      log.error({ worker: slot.number, pid: slot.process?.pid, silentMs }, 'worker stands still, ending it');
      slot.process?.kill();
    }
  }

  #settleStop(): void {
    if (this.slots.every(({ process }) => process === undefined)) this.#allEnded();
  }

  /** A call that the stop cancels. */
  #after(delayMs: number, callback: () => void): void {
    const cancel = this.#deps.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
  }
}

function endText({ code, signal }: WorkerEnd): string {
  if (signal !== null) return `signal ${signal}`;
  return code === null ? 'its process could not be made' : `exit status ${code}`;
}
