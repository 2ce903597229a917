import { isReady } from '../../shared/operations/check.ts';
import type { Order, WorkerReport } from './messages.ts';
import { Restarts } from './restarts.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import type { WorkerProcess } from './worker-process.ts';

/** How a worker is; the closed set of the label `state`. */
export const WORKER_STATES = ['starting', 'serving', 'silent', 'restarting'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** Four reports missing: shown, and not counted as ready. */
const SILENT_AFTER_MS = 2000;
/** A worker whose loop stands still so long has lost its clients, whose pings go unanswered; a long collection takes a tenth of it. */
const HUNG_AFTER_MS = 10_000;
/** A start takes a second; many at once on a machine that is loaded take longer. */
const START_WITHIN_MS = 30_000;

/** The place of one worker in its group: the process that is there now, and what is kept from one to the next. */
export class Slot {
  /** From 1. */
  readonly number: number;
  readonly restarts = new Restarts();
  readonly metrics = new WorkerMetrics();
  process: WorkerProcess | undefined;
  startedAt = 0;
  heardAt = 0;
  /** It has asked for its settings. */
  greeted = false;
  listening = false;
  /** Why its start failed, in its own words. */
  failure: string | undefined;
  report: WorkerReport | undefined;
  /** It was ended for standing still. */
  hung = false;
  /** Workers that came after the first. */
  replacements = 0;

  constructor(number: number) {
    this.number = number;
  }

  begin(process: WorkerProcess, now: number): void {
    this.process = process;
    this.startedAt = now;
    this.heardAt = now;
    this.greeted = false;
    this.listening = false;
    this.failure = undefined;
    this.report = undefined;
    this.hung = false;
  }

  end(): void {
    this.process = undefined;
    this.listening = false;
    this.report = undefined;
    this.metrics.ended();
  }

  send(order: Order): void {
    this.process?.send(order);
  }

  state(now: number): WorkerState {
    if (this.process === undefined) return 'restarting';
    if (!this.listening) return 'starting';
    return now - this.heardAt <= SILENT_AFTER_MS ? 'serving' : 'silent';
  }

  isReady(now: number): boolean {
    return this.state(now) === 'serving' && this.report !== undefined && isReady(this.report.checks);
  }

  /** Whether its process has to be ended, as nothing was heard of it for too long. */
  isOverdue(now: number): boolean {
    if (this.process === undefined) return false;
    return now - this.heardAt > (this.greeted ? HUNG_AFTER_MS : START_WITHIN_MS);
  }
}
