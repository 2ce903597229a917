import type { Order, Word } from './messages.ts';

/** How a process ended; both are unknown where it never ran. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkerEvents {
  said(word: Word): void;
  /** Called once, last. */
  ended(end: WorkerEnd): void;
}

/** A worker's process as its primary uses it. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** What a process that is gone is sent is lost. */
  send(order: Order): void;
  /** Ends it now, also when it stands still. */
  kill(): void;
}

/** Starts a worker's process. */
export type SpawnWorker = (events: WorkerEvents) => WorkerProcess;
