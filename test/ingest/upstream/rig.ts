import { Registry } from 'prom-client';
import type { UpstreamMessage } from '../../../ingest/message.ts';
import type { Clock } from '../../../ingest/upstream/clock.ts';
import { createUpstream, type UpstreamDependencies, type UpstreamOptions } from '../../../ingest/upstream/upstream.ts';
import { createIngestMetrics } from '../../../shared/metrics/ingest-metrics.ts';
import { Changes } from '../../support/changes.ts';

/** A clock that stands still until the test moves it. */
export class FakeClock implements Clock {
  #now = 1000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }
  unixNow(): number {
    return 1_700_000_000_000 + this.#now;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on, and calls what comes due on the way at its own moment. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}

/** A stall detector that sees a stall when the test says so. */
export class FakeStall {
  readonly #listeners = new Set<(now: number) => void>();
  recent = false;
  check(): boolean {
    return this.recent;
  }
  onStall(listener: (now: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** What the detector does once the sockets were read. */
  tell(): void {
    for (const listener of this.#listeners) listener(0);
  }
  get listeners(): number {
    return this.#listeners.size;
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const OPTIONS: UpstreamOptions = {
  upstreamConnectTimeoutMs: 5000,
  subscriberMaxIntervalMs: 20_000,
  subscriberPingIntervalMs: 2000,
  subscriberPongTimeoutMs: 4000,
  upstreamStaleMs: 1_000_000,
  upstreamResume: true,
  maxMessageBytes: 65_536,
};

/** One upstream with everything handed in; its log, messages and states are noted. */
export class Rig implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly stall = new FakeStall();
  readonly registry = new Registry();
  readonly metrics = createIngestMetrics(this.registry);
  readonly log: LogLine[] = [];
  readonly messages: UpstreamMessage[] = [];
  readonly states: boolean[] = [];
  readonly changes = new Changes();
  readonly upstream;

  constructor(uri: string, options: Partial<UpstreamOptions> = {}, deps: Partial<UpstreamDependencies> = {}) {
    const note = (level: string) => (fields: object, message: string) => {
      this.log.push({ level, message, fields: fields as Record<string, unknown> });
      this.changes.notify();
    };
    this.upstream = createUpstream(
      uri,
      0,
      { ...OPTIONS, ...options },
      {
        clock: this.clock,
        stall: this.stall,
        metrics: this.metrics,
        log: { debug: note('debug'), info: note('info'), warn: note('warn') } as unknown as UpstreamDependencies['log'],
        random: () => 0.999_999,
        onMessage: (message) => {
          this.messages.push(message);
          this.changes.notify();
        },
        onStateChange: (connected) => {
          this.states.push(connected);
          this.changes.notify();
        },
        ...deps,
      },
    );
    this.upstream.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.upstream.stop();
  }

  async connected(): Promise<void> {
    await this.changes.until(() => this.upstream.connected, 'the upstream is connected');
  }

  async received(count: number): Promise<void> {
    await this.changes.until(
      () => this.messages.length >= count,
      () => `${count} messages (${this.messages.length} came)`,
    );
  }

  /** Waits for so many log lines of this text, and gives the last one's fields. */
  async logged(message: string, count = 1): Promise<LogLine['fields']> {
    const found = () => this.log.filter((line) => line.message === message);
    await this.changes.until(() => found().length >= count, `${count} times '${message}' in the log`);
    return found()[count - 1]!.fields;
  }

  /** The value of a series as a scrape would show it; `undefined` when it is absent. */
  async metric(series: string): Promise<number | undefined> {
    const text = await this.registry.metrics();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
