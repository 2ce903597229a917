import type { Order, Word } from '../../../bin/workers/messages.ts';
import type { SpawnWorker, WorkerEvents, WorkerProcess } from '../../../bin/workers/worker-process.ts';

/** A worker's process that does what the test says. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number;
  readonly orders: Order[] = [];
  killed = false;
  readonly #events: WorkerEvents;

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid;
    this.#events = events;
  }

  send(order: Order): void {
    this.orders.push(order);
  }

  /** The signal that nothing can hold off; the end follows when the test says {@link die}. */
  kill(): void {
    this.killed = true;
  }

  say(word: Word): void {
    this.#events.said(word);
  }

  /** Greets, and listens. */
  serve(): void {
    this.say({ kind: 'hello' });
    this.say({ kind: 'listening' });
    this.beat();
  }

  /** A report of a worker that is well. */
  beat(status: Readonly<Record<string, unknown>> = {}): void {
    this.say({ kind: 'report', report: { checks: [{ name: 'ring', ok: true }], status, pageMetrics: [] } });
  }

  exit(code: number): void {
    this.#events.ended({ code, signal: null });
  }

  die(signal = 'SIGKILL'): void {
    this.#events.ended({ code: null, signal });
  }

  ordered(kind: Order['kind']): number {
    return this.orders.filter((order) => order.kind === kind).length;
  }
}

/** All that were started, the first first. */
export class FakeWorkers {
  readonly all: FakeWorker[] = [];
  readonly spawn: SpawnWorker = (events) => {
    const worker = new FakeWorker(1000 + this.all.length, events);
    this.all.push(worker);
    return worker;
  };

  at(index: number): FakeWorker {
    return this.all[index]!;
  }
}
