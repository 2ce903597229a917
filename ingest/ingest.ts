/**
 * An ingest: upstreams, sequencer, encoder and publish pipeline put together. It knows nothing of edges; where the stream
 * goes is the publisher's matter.
 */
import type { StreamPublisher } from '../shared/backplane/backplane.ts';
import type { Logger } from '../shared/log.ts';
import { readAtScrape } from '../shared/metrics/at-scrape.ts';
import type { EncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import type { IngestMetrics } from '../shared/metrics/ingest-metrics.ts';
import type { Check } from '../shared/operations/operations.ts';
import type { StallDetector } from '../shared/stall-detector.ts';
import { createEncoder, type Encoder, type EncoderOptions } from './encode/encoder.ts';
import { Pipeline, type PipelineOptions } from './publish/pipeline.ts';
import type { ArrivalListener } from './publish/stream-report.ts';
import { createSequencer } from './sequencer/sequencer.ts';
import { createUpstreams, type Upstreams, type UpstreamsOptions } from './upstream/upstreams.ts';

export interface IngestOptions extends UpstreamsOptions, EncoderOptions, PipelineOptions {
  /** How long the publisher may be unreachable before the ingest is not ready, milliseconds. */
  readonly readyMaxAgeMs: number;
}

export interface IngestDependencies {
  readonly publisher: StreamPublisher;
  /** Whether other ingests publish too: then an early frame is always held, as one of them may have the missing one. */
  readonly othersPublish: boolean;
  /**
   * Whether messages enter the stream compressed. A proxy whose clients get plain JSON by default spares itself the
   * compression and its time; its edge compresses for a client that asks for it.
   */
  readonly compress: boolean;
  readonly metrics: IngestMetrics;
  readonly encodingMetrics: EncodingMetrics;
  readonly stall: StallDetector;
  readonly log: Logger;
  /** Told who brings each message, and how late the others are. */
  readonly arrivals?: ArrivalListener;
}

/** The first dials wait this long for the shared state, so that they can ask for what was missed since. */
const STATE_WAIT_MS = 1000;

export class Ingest {
  readonly #options: IngestOptions;
  readonly #encoder: Encoder | undefined;
  readonly #upstreams: Upstreams;
  readonly #pipeline: Pipeline;
  #stopped = false;
  #unreadySince: number | undefined;

  constructor(options: IngestOptions, deps: IngestDependencies) {
    this.#options = options;
    const { metrics, log, stall } = deps;
    const encoder = deps.compress ? createEncoder(options, { metrics: deps.encodingMetrics, log }) : undefined;
    this.#encoder = encoder;
    this.#upstreams = createUpstreams(options, {
      log,
      metrics,
      stall,
      onMessage: (message) => this.#pipeline.receive(message),
      lastPosition: () => this.#pipeline.lastPosition,
    });
    this.#pipeline = new Pipeline(options, {
      publisher: deps.publisher,
      createSequencer,
      encode: (message) =>
        encoder?.encode(message) ?? Promise.resolve({ payload: message.content, payloadEncoding: 'plain' }),
      holds: (upstream) => deps.othersPublish || this.#otherConnected(upstream),
      upstreamNames: this.#upstreams.list.map(({ name }) => name),
      onReady: (ready) => (this.#unreadySince = ready ? undefined : (this.#unreadySince ?? performance.now())),
      stall,
      metrics,
      log,
      ...(deps.arrivals && { arrivals: deps.arrivals }),
    });
    readAtScrape(metrics.publishBuffered, () => this.#pipeline.buffered);
  }

  /** Connects the publisher, then dials the upstreams. Rejects when the backplane's server is unfit. Does nothing once stopped. */
  async start(): Promise<void> {
    this.#unreadySince = performance.now();
    await this.#pipeline.start();
    await this.#pipeline.stateRead(STATE_WAIT_MS);
    if (!this.#stopped) this.#upstreams.start();
  }

  /** Idempotent; leaves no handle open. Upstreams first, so that what was read is still published. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#upstreams.stop();
    await this.#pipeline.stop();
    await this.#encoder?.stop();
  }

  /** What readiness depends on (configuration: "Readiness"). */
  checks(): Check[] {
    const connected = this.#upstreams.connectedCount;
    const unreadyMs = this.#unreadySince === undefined ? 0 : performance.now() - this.#unreadySince;
    const everRead = this.#pipeline.everReady;
    return [
      { name: 'upstream', ok: connected > 0, detail: `${connected} of ${this.#upstreams.list.length} connected` },
      {
        name: 'publisher',
        ok: everRead && unreadyMs <= this.#options.readyMaxAgeMs,
        detail: this.#unreadySince === undefined ? 'reachable' : `unreachable for ${Math.round(unreadyMs / 1000)} s`,
      },
    ];
  }

  /** For `/status.json`; times in milliseconds. */
  status(): object {
    const now = performance.now();
    return {
      ingestId: this.#options.ingestId,
      upstreams: this.#upstreams.list.map(({ name, connected, lastMessageAt }) => ({
        name,
        connected,
        lastMessageAgeMs: lastMessageAt === undefined ? null : Math.round(now - lastMessageAt),
      })),
      lastPosition: this.#pipeline.lastPosition ?? null,
      bufferedMessages: this.#pipeline.buffered,
    };
  }

  #otherConnected(upstream: number): boolean {
    return this.#upstreams.list.some((other, position) => position !== upstream && other.connected);
  }
}
