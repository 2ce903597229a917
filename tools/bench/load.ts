import { Worker } from 'node:worker_threads';
import { hasFilter } from '../../client/stream-url.ts';
import type { BenchOptions } from './options.ts';
import { processUsage, type ProcessUsage } from './process-usage.ts';
import { Spreads } from './spreads.ts';
import type { FromHerd, HerdCounts, HerdOptions, ToHerd } from './thread-messages.ts';
import { Times } from './times.ts';

const THREAD = new URL(import.meta.url.endsWith('.ts') ? './herd-thread.ts' : './herd-thread.js', import.meta.url);
/** Servers do a little more when a client has just come (timers, first pings): that is not what is measured. */
const SETTLE_MS = 500;
/** How long threads may take to close their clients' connections. */
const LEAVE_MS = 5000;

const NO_COUNTS: HerdCounts = {
  ...{ open: 0, refused: {}, disconnected: {}, deliveries: 0, bytes: 0, messages: 0, lost: 0, repeated: 0 },
  ...{ pings: 0, pongs: 0, latePongs: 0 },
};

/** What the server's processes had used: before the first connection, with all connected, and around what was measured. */
export interface Usages {
  before?: ProcessUsage;
  connected?: ProcessUsage;
  begun?: ProcessUsage;
  ended?: ProcessUsage;
}

export type Phase = 'connecting' | 'settling' | 'measuring' | 'done';

interface Thread {
  readonly worker: Worker;
  readonly clients: number;
  readonly ended: Promise<void>;
  counts: HerdCounts;
  connected: { readonly from: number; readonly to: number } | undefined;
  finished: boolean;
}

function request(url: URL, key: string | undefined): string {
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...(key === undefined ? [] : [`X-API-Key: ${key}`]),
    '\r\n',
  ].join('\r\n');
}

function merge(reasons: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const merged: Record<string, number> = {};
  for (const [reason, times] of reasons.flatMap((one) => Object.entries(one)))
    merged[reason] = (merged[reason] ?? 0) + times;
  return merged;
}

/** The clients of a load test, in threads: `run()` connects them, measures, and lets them leave. */
export class Load {
  readonly connectTimes = new Times();
  readonly pongTimes = new Times();
  readonly spreads: Spreads;
  readonly #options: BenchOptions;
  readonly #threads: Thread[];
  readonly #interrupted: AbortSignal;
  readonly #changed: () => void;
  #wake: () => void = () => undefined;
  #phase: Phase = 'connecting';
  #busiest = 0;
  #measuredFrom = 0;
  #measuredUntil: number | undefined;
  #cpuFrom: NodeJS.CpuUsage = { user: 0, system: 0 };
  #cpuSeconds = 0;
  readonly #usages: Usages = {};

  /** @param changed called after each report of a thread */
  constructor(options: BenchOptions, interrupted: AbortSignal, changed: () => void) {
    this.#options = options;
    this.#interrupted = interrupted;
    this.#changed = changed;
    const shares = Array.from({ length: options.threads }, (_, thread) =>
      Math.floor((options.clients + thread) / options.threads),
    );
    this.spreads = new Spreads(shares, !hasFilter(options.url));
    let first = 0;
    this.#threads = shares.map((clients, thread) => {
      first += clients;
      return this.#startThread(thread, first - clients, clients);
    });
  }

  get phase(): Phase {
    return this.#phase;
  }
  /** Sums over all threads. */
  get counts(): HerdCounts {
    const all = this.#threads.map(({ counts }) => counts);
    const sum = (of: (counts: HerdCounts) => number): number => all.reduce((total, counts) => total + of(counts), 0);
    return {
      open: sum(({ open }) => open),
      refused: merge(all.map(({ refused }) => refused)),
      disconnected: merge(all.map(({ disconnected }) => disconnected)),
      deliveries: sum(({ deliveries }) => deliveries),
      bytes: sum(({ bytes }) => bytes),
      messages: Math.max(0, ...all.map(({ messages }) => messages)),
      lost: sum(({ lost }) => lost) + this.spreads.absent,
      repeated: sum(({ repeated }) => repeated),
      pings: sum(({ pings }) => pings),
      pongs: sum(({ pongs }) => pongs),
      latePongs: sum(({ latePongs }) => latePongs),
    };
  }
  /** From the first connection's beginning until all were answered. */
  get connectSeconds(): number {
    const times = this.#threads.flatMap(({ connected }) => connected ?? []);
    const seconds = (Math.max(...times.map(({ to }) => to)) - Math.min(...times.map(({ from }) => from))) / 1000;
    return Math.max(0, seconds);
  }
  /** So far. */
  get measuredSeconds(): number {
    if (this.#measuredFrom === 0) return 0;
    return ((this.#measuredUntil ?? performance.now()) - this.#measuredFrom) / 1000;
  }
  /** Busy share of the busiest thread of clients, in its busiest half second while it was measured. */
  get busiest(): number {
    return this.#busiest;
  }
  /** CPU seconds of this process while it was measured. */
  get cpuSeconds(): number {
    return this.#cpuSeconds;
  }
  get usages(): Readonly<Usages> {
    return this.#usages;
  }

  /** Resolves when the clients have left; an interruption measures no longer. */
  async run(): Promise<void> {
    const wake = (): void => this.#wake();
    this.#interrupted.addEventListener('abort', wake);
    try {
      await this.#measure();
    } finally {
      this.#phase = 'done';
      this.#interrupted.removeEventListener('abort', wake);
      await this.#leave();
    }
  }

  async #measure(): Promise<void> {
    this.#note('before');
    await this.#until(() => this.#threads.every(({ connected }) => connected !== undefined));
    this.#note('connected');
    if (this.counts.open === 0) return;
    this.#phase = 'settling';
    await this.#until(() => false, SETTLE_MS);
    if (this.#interrupted.aborted) return;

    this.#phase = 'measuring';
    this.#note('begun');
    this.#cpuFrom = process.cpuUsage();
    this.#measuredFrom = performance.now();
    this.#busiest = 0;
    this.#tell({ kind: 'measure', count: this.#options.count });
    const finished = (): boolean => this.#threads.every((thread) => thread.finished);
    await this.#until(finished, this.#options.duration ?? Infinity);
    this.#tell({ kind: 'finish' });
    await this.#until(finished, Infinity, false);
    this.#measuredUntil = performance.now();
    const { user, system } = process.cpuUsage(this.#cpuFrom);
    this.#cpuSeconds = (user + system) / 1e6;
    this.#note('ended');
    this.spreads.finish();
  }

  #note(when: keyof Usages): void {
    const usage = this.#options.pids.length === 0 ? undefined : processUsage(this.#options.pids);
    if (usage !== undefined) this.#usages[when] = usage;
  }

  /** Waits for something that threads tell, no longer than given, and no longer than until an interruption. */
  async #until(reached: () => boolean, forMs = Infinity, interruptible = true): Promise<void> {
    const endsAt = performance.now() + forMs;
    while (!reached() && performance.now() < endsAt && !(interruptible && this.#interrupted.aborted)) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (forMs !== Infinity) timer = setTimeout(resolve, Math.max(1, endsAt - performance.now()));
      });
      clearTimeout(timer);
    }
  }

  #startThread(thread: number, first: number, clients: number): Thread {
    const { url, key, ping, ramp, sources, threads } = this.#options;
    const workerData: HerdOptions = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port === '' ? 80 : url.port),
      request: request(url, key),
      ...{ first, clients, sources },
      ramp: ramp === 0 ? 0 : Math.max(1, Math.round(ramp / threads)),
      pingMs: ping,
      reads: thread === 0,
    };
    const worker = new Worker(THREAD, { workerData, ...(THREAD.pathname.endsWith('.js') && { execArgv: [] }) });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const started: Thread = { worker, clients, ended, counts: NO_COUNTS, connected: undefined, finished: false };
    worker.on('message', (message: FromHerd) => {
      this.#take(started, thread, message);
    });
    // A thread that fails is a bug, and ends the program as one.
    worker.on('error', (error) => {
      throw error;
    });
    return started;
  }

  #take(thread: Thread, number: number, message: FromHerd): void {
    switch (message.kind) {
      case 'connected':
        thread.connected = message;
        break;
      case 'progress':
        thread.counts = message.counts;
        for (const us of message.connects) this.connectTimes.record(us);
        for (const us of message.pongs) this.pongTimes.record(us);
        this.#busiest = Math.max(this.#busiest, message.busy);
        this.#changed();
        return;
      case 'spread':
        this.spreads.add(number, message.spread);
        return;
      case 'message':
        this.spreads.message(message.fingerprint, message.payload);
        return;
      case 'finished':
        thread.finished = true;
    }
    this.#wake();
  }

  #tell(message: ToHerd): void {
    for (const { worker } of this.#threads) worker.postMessage(message);
  }

  async #leave(): Promise<void> {
    this.#tell({ kind: 'leave' });
    const timer = setTimeout(() => {
      for (const { worker } of this.#threads) void worker.terminate();
    }, LEAVE_MS);
    await Promise.all(this.#threads.map(({ ended }) => ended));
    clearTimeout(timer);
  }
}
