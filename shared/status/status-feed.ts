/**
 * What the status page is told, and what is remembered of it: the latest blocks and races, a figure row for each of the last
 * {@link HISTORY_SECONDS}, the latest incidents. The hot path hands in one small record per message; everything else is read
 * from the metrics once a second.
 */
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { type Every, every } from '../every.ts';
import type { Logger } from '../log.ts';
import { type Check, isReady } from '../operations/check.ts';
import { BoundedList } from './bounded-list.ts';
import type {
  FlashblocksEvent,
  PageProgram,
  PageState,
  Second,
  SecondEvent,
  Snapshot,
  StreamPort,
} from './contract.ts';
import { FlashblockBatch } from './flashblock-batch.ts';
import { IncidentLog } from './incident-log.ts';
import type { Observed } from './incident-rules.ts';
import type { MetricSource } from './metric-reader.ts';
import { type Arrival, RaceHistory } from './race-history.ts';
import { Sampler } from './sampler.ts';
import { StreamHistory, type StreamMessage, recordOf } from './stream-history.ts';

/** Where a page's events come from. What it gives is plain JSON, so that it may also be another process'. */
export interface PageFeed {
  snapshot(): Snapshot;
  /** Calls back with each event from now on. @returns ends it */
  listen(listener: (event: FeedEvent) => void): () => void;
}

export type FeedEvent =
  | { readonly name: 'flashblocks'; readonly data: FlashblocksEvent }
  | { readonly name: 'second'; readonly data: SecondEvent };

export interface StatusFeedOptions {
  readonly program: PageProgram;
  /** INGEST_ID or EDGE_ID. */
  readonly id: string;
  readonly version: string;
  /** Where clients connect, if they do. */
  readonly stream: StreamPort | null;
}

export interface StatusFeedDependencies {
  readonly metrics: MetricSource;
  readonly checks: () => readonly Check[];
  readonly log: Pick<Logger, 'error'>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  /** Unix milliseconds. */
  readonly wallClock?: () => number;
  readonly every?: Every;
}

/** A quarter of an hour: from an alert's first minute to whoever opens the page. */
export const HISTORY_SECONDS = 900;
const SECOND_MS = 1000;
/** What the eye follows; more events cost a phone its battery. */
const BATCH_MS = 100;

export class StatusFeed implements PageFeed {
  readonly #options: StatusFeedOptions;
  readonly #deps: StatusFeedDependencies;
  readonly #now: () => number;
  readonly #wallClock: () => number;
  readonly #every: Every;
  readonly #boot = randomBytes(8).toString('hex');
  readonly #startedAt: number;
  readonly #stream = new StreamHistory();
  readonly #races = new RaceHistory();
  /** Each as JSON, which is a sixth of the object's size: a quarter of an hour of objects would look like a leak. */
  readonly #seconds = new BoundedList<string>(HISTORY_SECONDS);
  readonly #incidents = new IncidentLog();
  readonly #batch = new FlashblockBatch();
  readonly #listeners = new Set<(event: FeedEvent) => void>();
  /** Made by the start: the program has registered its metrics then. */
  #sampler: Sampler | undefined;
  #upstreams: readonly string[] = [];
  #newestAt: number | undefined;
  #sampling = false;
  #endSeconds: (() => void) | undefined;
  /** There while somebody listens: each turn of a timer wakes an idle process. */
  #endBatches: (() => void) | undefined;

  constructor(options: StatusFeedOptions, deps: StatusFeedDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#wallClock = deps.wallClock ?? Date.now;
    this.#every = deps.every ?? every;
    this.#startedAt = this.#wallClock();
  }

  start(): void {
    if (this.#endSeconds !== undefined) return;
    this.#sampler = new Sampler(this.#deps.metrics);
    this.#endSeconds = this.#every(SECOND_MS, () => void this.second());
  }

  /** Idempotent. */
  stop(): void {
    this.#endSeconds?.();
    this.#endSeconds = undefined;
    this.#sampler = undefined;
    this.#listeners.clear();
    this.#stopBatches();
  }

  /**
   * Takes a message of the stream.
   *
   * @param lostBefore messages known to be missing before it
   */
  message(message: StreamMessage, lostBefore = 0): void {
    this.#newestAt = this.#now();
    const record = recordOf(message, lostBefore);
    if (record === undefined) return;
    this.#stream.add(record);
    if (this.#listeners.size > 0) this.#batch.add(record);
  }

  /** An upstream was the first to bring a message. */
  first(arrival: Arrival): void {
    const race = this.#races.first(arrival);
    if (race !== undefined && this.#listeners.size > 0) this.#batch.race(race);
  }

  /** An upstream brought what another had brought before. */
  behind(arrival: Arrival, lagMs: number): void {
    const race = this.#races.behind(arrival, lagMs);
    if (race !== undefined && this.#listeners.size > 0) this.#batch.race(race);
  }

  listen(listener: (event: FeedEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#endBatches ??= this.#every(BATCH_MS, () => this.#tellFlashblocks());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stopBatches();
    };
  }

  snapshot(): Snapshot {
    return {
      boot: this.#boot,
      ...this.#options,
      startedAt: this.#startedAt,
      now: this.#wallClock(),
      historySeconds: HISTORY_SECONDS,
      figures: this.#sampler?.figures ?? [],
      latencies: this.#sampler?.latencies ?? [],
      upstreams: this.#upstreams,
      seconds: this.#seconds.toArray().map((json) => JSON.parse(json) as Second),
      blocks: this.#stream.blocks,
      races: this.#races.races,
      incidents: this.#incidents.incidents,
      state: this.#state(),
    };
  }

  /** Reads one second and tells it. Left out while the one before is still being read. */
  async second(): Promise<void> {
    const sampler = this.#sampler;
    if (sampler === undefined || this.#sampling) return;
    this.#sampling = true;
    try {
      const { second, upstreams, latencies } = await sampler.sample(this.#wallClock());
      // Stopped meanwhile: the metrics are those of a process that ends.
      if (this.#sampler !== sampler) return;
      this.#upstreams = upstreams;
      this.#seconds.add(JSON.stringify(second));
      const state = this.#state();
      const incidents = this.#incidents.observe(observed(sampler, second, upstreams, state));
      this.#tell({ name: 'second', data: { second, upstreams, incidents, state, ...(latencies && { latencies }) } });
    } catch (error) {
      this.#deps.log.error({ err: error }, 'the figures of the status page could not be read');
    } finally {
      this.#sampling = false;
    }
  }

  #stopBatches(): void {
    this.#endBatches?.();
    this.#endBatches = undefined;
    this.#batch.take();
  }

  #tellFlashblocks(): void {
    const data = this.#batch.take();
    if (data === undefined) return;
    const { blocks } = this.#stream;
    this.#tell({ name: 'flashblocks', data: data.leftOut === 0 ? data : { ...data, blocks } });
  }

  #tell(event: FeedEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #state(): PageState {
    const checks = this.#deps.checks();
    const newestAgeMs = this.#newestAt === undefined ? null : Math.round(this.#now() - this.#newestAt);
    return { ready: isReady(checks), checks, newestAgeMs };
  }
}

function observed(sampler: Sampler, second: Second, upstreams: readonly string[], state: PageState): Observed {
  return {
    at: second.at,
    figures: Object.fromEntries(sampler.figures.map((name, place) => [name, second.figures[place] ?? 0])),
    upstreams: new Map(upstreams.map((name, place) => [name, second.upstreams[place]?.[0] === 1])),
    checks: state.checks,
    newestAgeMs: state.newestAgeMs,
  };
}
