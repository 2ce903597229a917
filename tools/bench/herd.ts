import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { monotonicMs } from '../stamp.ts';
import { LoadClient, type LoadListener } from './load-client.ts';
import { MessageLog } from './message-log.ts';
import { sourceAddress } from './source-address.ts';
import type { FromHerd, HerdCounts, HerdOptions, ToHerd } from './thread-messages.ts';

/** Connections that wait for their answer at the same time: enough to keep any server busy. */
const MAX_CONNECTING = 64;
/** How often pings are sent, connections begun and the end looked at. */
const TICK_MS = 2;
const PROGRESS_MS = 500;
/** At the end, messages that count are waited for until none of them came for so long: then they are lost. */
const PATIENCE_MS = 3000;
/** Distinct reasons that are kept; the rest is one. */
const MAX_REASONS = 32;

type Reasons = Record<string, number>;

function count(reasons: Reasons, reason: string): void {
  const known = reason in reasons || Object.keys(reasons).length < MAX_REASONS ? reason : 'other';
  reasons[known] = (reasons[known] ?? 0) + 1;
}

/** The clients of one thread: `start()`, then what {@link ToHerd} says. */
export class Herd implements LoadListener {
  readonly #options: HerdOptions;
  readonly #tell: (message: FromHerd) => void;
  readonly #clients: LoadClient[] = [];
  readonly #log: MessageLog;
  readonly #refused: Reasons = {};
  readonly #disconnected: Reasons = {};
  readonly #startedAt = monotonicMs();
  #answeredAt = 0;
  #tick: NodeJS.Timeout | undefined;
  #connecting = 0;
  #open = 0;
  #connected = false;
  #measuring = false;
  /** At the end: what came so far, and until when more is waited for. */
  #awaited: { readonly deliveries: number; readonly until: number } | undefined;
  #finished = false;
  #reportedAt = monotonicMs();
  #utilization: EventLoopUtilization = performance.eventLoopUtilization();
  #connects: number[] = [];
  #pongTimes: number[] = [];
  #pings = 0;
  #pongs = 0;
  #latePongs = 0;
  #pingsFrom = 0;
  #pingsDone = 0;

  constructor(options: HerdOptions, tell: (message: FromHerd) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#log = new MessageLog(options.clients, (spread) => tell({ kind: 'spread', spread }));
  }

  start(): void {
    this.#tick = setInterval(() => this.#turn(), TICK_MS);
    this.#turn();
  }

  take(message: ToHerd): void {
    switch (message.kind) {
      case 'measure':
        this.#log.begin(message.count);
        this.#measuring = true;
        return;
      case 'finish':
        this.#log.end();
        return;
      case 'leave':
        this.#finished = true;
        clearInterval(this.#tick);
        for (const client of this.#clients) client.leave();
    }
  }

  opened(client: LoadClient, now: number): void {
    this.#connecting--;
    this.#open++;
    this.#answeredAt = now;
    this.#connects.push(Math.round(1000 * (now - client.connectAt)));
    this.#connect();
  }

  refused(_client: LoadClient, reason: string): void {
    this.#connecting--;
    this.#answeredAt = monotonicMs();
    count(this.#refused, reason);
  }

  closed(_client: LoadClient, reason: string): void {
    this.#open--;
    if (!this.#finished) count(this.#disconnected, reason);
  }

  pong(_client: LoadClient, tookMs: number): void {
    if (!this.#measuring || this.#finished) return;
    this.#pongs++;
    this.#pongTimes.push(Math.round(1000 * tookMs));
  }

  message(client: LoadClient, fingerprint: number, bytes: number, now: number, payload: Buffer | undefined): void {
    if (this.#finished) return;
    // Before the last reception of a message tells how it spread: its stamp belongs to that.
    if (payload !== undefined && this.#measuring) this.#tell({ kind: 'message', fingerprint, payload });
    this.#log.received(client.index, fingerprint, bytes, client.messageStartedAt, now);
  }

  #turn(): void {
    const now = monotonicMs();
    this.#connect();
    if (!this.#connected && this.#clients.length === this.#options.clients && this.#connecting === 0) {
      this.#connected = true;
      this.#pingsFrom = now;
      this.#progress(now);
      this.#tell({ kind: 'connected', from: this.#startedAt, to: this.#answeredAt });
    }
    if (this.#connected && !this.#finished) this.#ping(now);
    if (this.#measuring && !this.#finished && this.#log.ended) this.#finishWhenComplete(now);
    if (now - this.#reportedAt >= PROGRESS_MS) this.#progress(now);
  }

  #connect(): void {
    const { ramp, clients, first, sources, reads } = this.#options;
    const allowed = ramp === 0 ? clients : Math.ceil(((monotonicMs() - this.#startedAt) / 1000) * ramp);
    const wanted = Math.min(clients, allowed);
    while (this.#clients.length < wanted && this.#connecting < MAX_CONNECTING) {
      const index = this.#clients.length;
      this.#connecting++;
      const localAddress = sources === 0 ? undefined : sourceAddress((first + index) % sources);
      this.#clients.push(new LoadClient(index, this.#options, this, { localAddress, reads: reads && index === 0 }));
    }
  }

  /** Pings are spread evenly over the interval, as those of clients that know nothing of each other. */
  #ping(now: number): void {
    const { pingMs } = this.#options;
    if (pingMs === 0 || this.#clients.length === 0) return;
    const due = Math.floor(((now - this.#pingsFrom) / pingMs) * this.#clients.length);
    // After a standstill each client pings once, and not as often as it would have.
    this.#pingsDone = Math.max(this.#pingsDone, due - this.#clients.length);
    for (; this.#pingsDone < due; this.#pingsDone++) {
      const client = this.#clients[this.#pingsDone % this.#clients.length];
      if (client?.open !== true) continue;
      const outcome = client.ping();
      if (!this.#measuring) continue;
      if (outcome === 'sent') this.#pings++;
      else this.#latePongs++;
    }
  }

  #finishWhenComplete(now: number): void {
    const { deliveries } = this.#log;
    if (deliveries !== this.#awaited?.deliveries) this.#awaited = { deliveries, until: now + PATIENCE_MS };
    const missing = (client: LoadClient): boolean => client.open && !this.#log.complete(client.index);
    if (now < this.#awaited.until && this.#clients.some(missing)) return;
    this.#log.finish(this.#clients.filter(({ open }) => open).map(({ index }) => index));
    this.#finished = true;
    this.#progress(now);
    this.#tell({ kind: 'finished' });
  }

  #progress(now: number): void {
    this.#reportedAt = now;
    const utilization = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(utilization, this.#utilization).utilization;
    this.#utilization = utilization;
    const [connects, pongs] = [this.#connects, this.#pongTimes];
    this.#connects = [];
    this.#pongTimes = [];
    this.#tell({ kind: 'progress', counts: this.#counts(), connects, pongs, busy });
  }

  #counts(): HerdCounts {
    const { deliveries, bytes, counted: messages, lost, repeated } = this.#log;
    return {
      open: this.#open,
      refused: { ...this.#refused },
      disconnected: { ...this.#disconnected },
      ...{ deliveries, bytes, messages, lost, repeated },
      pings: this.#pings,
      pongs: this.#pongs,
      latePongs: this.#latePongs,
    };
  }
}
