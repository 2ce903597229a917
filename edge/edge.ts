/**
 * An edge: the stream of a backplane, the fan-out and the front put together. It knows nothing of ingests; where the stream
 * comes from is the source's matter.
 */
import { performance } from 'node:perf_hooks';
import type { StreamBounds, StreamSource } from '../shared/backplane/backplane.ts';
import type { Envelope } from '../shared/envelope.ts';
import type { Logger } from '../shared/log.ts';
import { readAtScrape } from '../shared/metrics/at-scrape.ts';
import type { EdgeMetrics } from '../shared/metrics/edge-metrics.ts';
import type { EncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import type { Check } from '../shared/operations/check.ts';
import type { StallDetector } from '../shared/stall-detector.ts';
import { KeyInForceStep } from './admission/key-in-force-step.ts';
import type { Places } from './admission/steps.ts';
import { edgeChecks } from './edge-checks.ts';
import { Fanout } from './fanout/fanout.ts';
import type { LagLimits } from './fanout/limits.ts';
import { BlockEnd } from './front/block-end.ts';
import type { Connection } from './front/connection.ts';
import { type TlsTerminator, createTlsTerminator } from './front/accept/tls-terminator.ts';
import { Front, type FrontSettings } from './front/front.ts';
import { Resumes } from './front/resumes.ts';
import { FailedKeys } from './keys/failed-keys.ts';
import { KeyStep, type KeyStepSettings } from './keys/key-step.ts';
import type { KeyStore } from './keys/key-store.ts';
import type { ConnectionLimits } from './limits/connection-limits.ts';
import { LimitsStep } from './limits/limits-step.ts';
import { ringCodec } from './ring-codec.ts';
import type { RingEntry } from './stream/contract.ts';
import { type EdgeStream, createEdgeStream } from './stream/edge-stream.ts';

export interface EdgeOptions extends FrontSettings, LagLimits, StreamBounds, KeyStepSettings {
  /** Both or none: PEM files to serve wss with. */
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
  /** How long the backplane may be unreachable, or this edge behind its head, before it is not ready, milliseconds. */
  readonly readyMaxAgeMs: number;
}

export interface EdgeDependencies {
  readonly source: StreamSource;
  /** Started and stopped by the edge. */
  readonly limits: ConnectionLimits;
  /** Started and stopped by the edge; `undefined` where no keys are set. */
  readonly keys: KeyStore | undefined;
  /** Where INSTANCE_CONNECTION_LIMIT is counted, for an edge that shares it with others. */
  readonly places?: Places | undefined;
  readonly metrics: EdgeMetrics;
  readonly encodingMetrics: EncodingMetrics;
  /** Started and stopped by the program. */
  readonly stall: StallDetector;
  readonly log: Logger;
  /** Told of each message as it enters the ring; `lostBefore`: messages known to be missing before it. */
  readonly onMessage?: (envelope: Envelope, lostBefore: number) => void;
}

export class Edge {
  readonly #options: EdgeOptions;
  readonly #stream: EdgeStream;
  readonly #fanout: Fanout<Connection>;
  readonly #resumes: Resumes<Connection>;
  readonly #limits: ConnectionLimits;
  readonly #keys: KeyStore | undefined;
  readonly #tls: TlsTerminator | undefined;
  readonly #front: Front;
  readonly #log: Logger;
  #newest: RingEntry | undefined;
  #onListening: () => void = () => undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: EdgeOptions, deps: EdgeDependencies) {
    const { source, limits, keys, metrics, stall, log } = deps;
    this.#options = options;
    this.#log = log;
    const blockEnd = new BlockEnd();
    const stream = createEdgeStream(options, {
      source,
      codec: ringCodec,
      metrics: { ...metrics, ...deps.encodingMetrics },
      log,
      stall,
    });
    const fanout = new Fanout<Connection>(options, { ring: stream.ring, metrics, stall });
    this.#stream = stream;
    this.#fanout = fanout;
    const resumes = new Resumes<Connection>(options, {
      ring: stream.ring,
      fanout,
      metrics,
      stall,
      now: () => performance.now(),
    });
    this.#resumes = resumes;
    const tls = createTlsTerminator(options, { log, metrics });
    this.#tls = tls;
    this.#limits = limits;
    this.#keys = keys;
    this.#front = new Front(options, {
      ring: stream.ring,
      fanout,
      resumes,
      blockEnd,
      metrics,
      stall,
      log,
      tls,
      keys: keys && createKeyStep(options, keys, metrics),
      places: deps.places,
      limits: [new LimitsStep(limits, metrics), ...(keys === undefined ? [] : [new KeyInForceStep(keys)])],
    });
    keys?.onLapsed((keyIds, lapse) => this.#front.endClientsOf(keyIds, lapse));
    stream.onEntry((entry, source) => {
      this.#newest = entry;
      blockEnd.add(entry.envelope.position, entry.arrivedAt);
      resumes.entry(entry, source);
      if (source === 'fill') fanout.passOver(entry);
      else fanout.entry(entry);
      deps.onMessage?.(entry.envelope, entry.lostBefore);
    });
    readAtScrape(metrics.broadcastQueueSize, () => fanout.lag.slowest().messages);
    readAtScrape(metrics.clientQueueBytes, () => fanout.lag.slowest().bytes);
  }

  /**
   * Listens for clients and subscribes to the stream, both at once: clients are served as soon as there is something. Resolves
   * when the ring was filled once, or on {@link stop}.
   *
   * @throws when the port cannot be had, or the server of the backplane or the limits is unfit; everything is stopped then
   */
  async start(): Promise<void> {
    this.#fanout.start();
    this.#tls?.start();
    this.#keys?.start();
    try {
      await Promise.all([this.#listen(), this.#fill()]);
    } catch (error) {
      await this.#end();
      throw error;
    }
  }

  /** Drains, then ends everything. Idempotent; leaves no handle open. */
  stop(): Promise<void> {
    this.#stopped ??= this.#drainAndEnd();
    return this.#stopped;
  }

  /** Reads keys and certificate again (SIGHUP). */
  async reload(): Promise<void> {
    this.#tls?.reload();
    await this.#keys?.reload();
  }

  /** Called when clients can connect, which may be long before the start has ended. */
  onListening(listener: () => void): void {
    this.#onListening = listener;
  }

  /** Where clients connect; only after the start. */
  address(): { readonly host: string; readonly port: number } {
    return this.#front.address();
  }

  /** What readiness depends on (configuration: "Readiness"). */
  checks(): Check[] {
    return edgeChecks({
      readiness: this.#stream.readiness,
      draining: this.#front.isDraining,
      lastMessageAt: this.#newest?.arrivedAt,
      readyMaxAgeMs: this.#options.readyMaxAgeMs,
      now: performance.now(),
    });
  }

  /** For `/status.json`; times in milliseconds. */
  status(): object {
    const { head, tail } = this.#stream.ring;
    const { clients, filtering, writer } = this.#fanout;
    const newest = this.#newest;
    return {
      clients: clients.length,
      filteredClients: filtering.clients,
      filters: filtering.filters,
      clientLimit: this.#options.instanceConnectionLimit,
      pendingConnections: this.#front.pendingConnections,
      blockedClients: writer.blocked.size,
      draining: this.#front.isDraining,
      ...(this.#keys !== undefined && { apiKeys: this.#keys.status() }),
      ringMessages: head - tail,
      streamHasReceipts: filtering.hasReceipts ?? null,
      lastSequence: newest?.envelope.sequence ?? null,
      lastPosition: newest?.envelope.position ?? null,
      lastMessageAgeMs: newest === undefined ? null : Math.round(performance.now() - newest.arrivedAt),
    };
  }

  /** The limits first, so that the first clients count for them; they do not wait for a Redis that is away. */
  async #listen(): Promise<void> {
    await this.#limits.start();
    await this.#front.start();
    if (this.#front.isListening) this.#onListening();
  }

  async #fill(): Promise<void> {
    await this.#stream.start();
    this.#resumes.filled();
  }

  async #drainAndEnd(): Promise<void> {
    this.#log.info({ clients: this.#fanout.clients.length }, 'draining');
    await this.#front.drain();
    await this.#end();
  }

  /** The stream and the limits end last, so that clients are served until they are closed, and their places are given back. */
  async #end(): Promise<void> {
    await this.#front.stop();
    this.#tls?.stop();
    this.#keys?.stop();
    this.#resumes.stop();
    this.#fanout.stop();
    await Promise.all([this.#stream.stop(), this.#limits.stop()]);
  }
}

function createKeyStep(settings: KeyStepSettings, keys: KeyStore, metrics: EdgeMetrics): KeyStep {
  const { unauthorizedRequests } = metrics;
  return new KeyStep(settings, { keys, failures: new FailedKeys(), unauthorizedRequests });
}

export function createEdge(options: EdgeOptions, deps: EdgeDependencies): Edge {
  return new Edge(options, deps);
}
