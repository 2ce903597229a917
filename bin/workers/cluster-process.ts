/**
 * Workers as processes of node:cluster, which share one listening socket: the kernel hands a new connection to a worker that asks for
 * one, so that a worker that stands still gets none, connections wait in one bounded queue while a worker is replaced, and
 * accepting costs no message between processes.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Order, Word } from './messages.ts';
import type { SpawnWorker, WorkerEnd, WorkerEvents, WorkerProcess } from './worker-process.ts';

const WORKER_MODULE = new URL(
  import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js',
  import.meta.url,
).pathname;

class ClusterProcess implements WorkerProcess {
  readonly #worker: Worker;

  constructor(worker: Worker, events: WorkerEvents) {
    this.#worker = worker;
    let over = false;
    const end = (how: WorkerEnd): void => {
      if (over) return;
      over = true;
      events.ended(how);
    };
    worker.on('message', (word: Word) => {
      events.said(word);
    });
    worker.on('exit', (code: number | null, signal: string | null) => {
      end({ code, signal });
    });
    worker.on('error', () => {
      // A process that could not be started tells nothing else; one that runs ends by itself.
      if (this.pid === undefined) end({ code: null, signal: null });
    });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  send(order: Order): void {
    // With a callback an error is told there, and nowhere else: the end of the process is what counts.
    if (this.#worker.isConnected()) this.#worker.send(order, () => undefined);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }
}

/** Makes this process the primary of its workers. They end with it, however it ends. */
export function createClusterSpawn(): SpawnWorker {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: WORKER_MODULE, args: [], serialization: 'advanced' });
  const running = new Set<ClusterProcess>();
  // One that stands still would not notice that its primary is gone, and would keep the port.
  process.once('exit', () => {
    for (const worker of running) worker.kill();
  });
  return (events) => {
    const worker: ClusterProcess = new ClusterProcess(cluster.fork(), {
      said: (word) => {
        events.said(word);
      },
      ended: (end) => {
        running.delete(worker);
        events.ended(end);
      },
    });
    running.add(worker);
    return worker;
  };
}
