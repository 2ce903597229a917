import type { Registry } from 'prom-client';
import { createEdge, type Edge } from '../edge/edge.ts';
import { createKeyStore } from '../edge/keys/key-store.ts';
import type { ConnectionLimits } from '../edge/limits/connection-limits.ts';
import { createLocalLimits, createSharedLimits } from '../edge/limits/create-limits.ts';
import { Ingest } from '../ingest/ingest.ts';
import { createMemoryBackplane } from '../shared/backplane/memory.ts';
import type { ProxySettings } from '../shared/config/settings.ts';
import type { Logger } from '../shared/log.ts';
import { createEdgeMetrics } from '../shared/metrics/edge-metrics.ts';
import { createEncodingMetrics } from '../shared/metrics/encoding-metrics.ts';
import { createIngestMetrics } from '../shared/metrics/ingest-metrics.ts';
import { createKeyMetrics } from '../shared/metrics/key-metrics.ts';
import { createLimitMetrics } from '../shared/metrics/limit-metrics.ts';
import { createRedisMetrics } from '../shared/metrics/redis-metrics.ts';
import { createBuilder, type Builder } from '../tools/simulate/builder.ts';
import { Instruments } from './instruments.ts';
import type { Lifecycle } from './serve.ts';

/** A host that a URL of this machine can name: a wildcard address is reached by the loopback one. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  if (host === '0.0.0.0' || host === '::') return `127.0.0.1:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** With Redis the limits hold over all that share it; the stream needs none. */
function createLimits(settings: ProxySettings, registry: Registry, log: Logger): ConnectionLimits {
  const { redisUrl } = settings;
  const limitMetrics = createLimitMetrics(registry);
  if (redisUrl === undefined) return createLocalLimits(settings);
  const metrics = createRedisMetrics(registry);
  const onAvailable = (available: boolean): void => metrics.up.set(available ? 1 : 0);
  return createSharedLimits({ ...settings, redisUrl }, { log, metrics, limitMetrics, onAvailable });
}

/** `flashcast proxy`: ingest and edge in one process over the memory backplane. */
class Proxy implements Lifecycle {
  readonly #settings: ProxySettings;
  readonly #log: Logger;
  readonly #instruments: Instruments;
  readonly #edge: Edge;
  readonly #createIngest: (upstreamWs: readonly string[]) => Ingest;
  #builder: Builder | undefined;
  #ingest: Ingest | undefined;
  #stopped = false;

  constructor(settings: ProxySettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    const stream = { port: settings.listenAddr.port, secure: settings.tlsCertFile !== undefined };
    this.#instruments = new Instruments({ program: 'proxy', id: settings.edgeId, stream }, settings, log);
    const { registry, stall, feed } = this.#instruments;
    const backplane = createMemoryBackplane(settings);
    const encodingMetrics = createEncodingMetrics(registry);
    this.#edge = createEdge(settings, {
      source: backplane.source(),
      limits: createLimits(settings, registry, log),
      keys: createKeyStore(settings, { log, metrics: createKeyMetrics(registry) }),
      metrics: createEdgeMetrics(registry),
      encodingMetrics,
      stall,
      log,
      onMessage: (envelope, lostBefore) => feed?.message(envelope, lostBefore),
    });
    const metrics = createIngestMetrics(registry);
    this.#createIngest = (upstreamWs) =>
      new Ingest(
        { ...settings, upstreamWs },
        {
          publisher: backplane.publisher(),
          othersPublish: false,
          compress: settings.enableCompression,
          metrics,
          encodingMetrics,
          stall,
          log,
          arrivals: {
            first: (message) => feed?.first(message),
            behind: (message, lagMs) => feed?.behind(message, lagMs),
          },
        },
      );
  }

  /** The edge first, so that no message comes before there is somebody to serve it. */
  async start(): Promise<void> {
    const upstreams = await this.#upstreams();
    if (this.#isStopped()) return;
    const ingest = this.#createIngest(upstreams);
    this.#ingest = ingest;
    await this.#instruments.start('proxy', [ingest, this.#edge]);
    if (this.#isStopped()) return;
    await this.#edge.start();
    if (this.#isStopped()) return;
    await ingest.start();
    if (this.#settings.demo && !this.#isStopped()) this.#sayWhatToOpen();
  }

  reload(): Promise<void> {
    return this.#edge.reload();
  }

  /** Clients are drained while the stream still runs, so that each can be closed at a block's end. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#edge.stop();
    await this.#ingest?.stop();
    await this.#builder?.stop();
    await this.#instruments.stop();
  }

  /** Asked after each wait of the start, as a stop may have come meanwhile. */
  #isStopped(): boolean {
    return this.#stopped;
  }

  async #upstreams(): Promise<readonly string[]> {
    const { upstreamWs, demo } = this.#settings;
    if (upstreamWs.length > 0) {
      if (demo) this.#log.info({ upstreams: upstreamWs.length }, 'demo: the upstreams of UPSTREAM_WS');
      return upstreamWs;
    }
    this.#builder = createBuilder();
    await this.#builder.start();
    this.#log.info('demo: the built-in builder, as UPSTREAM_WS is not set');
    return [this.#builder.url];
  }

  #sayWhatToOpen(): void {
    const { metrics, metricsAddr, statusPage } = this.#settings;
    const stream = `ws://${reachable(this.#edge.address())}/ws`;
    const operations = `http://${reachable(metricsAddr)}`;
    this.#log.info(
      {
        watch: `npx flashcast watch ${stream}`,
        stream,
        ...(metrics && statusPage && { page: `${operations}/status` }),
        ...(metrics && {
          metrics: `${operations}/metrics`,
          status: `${operations}/status.json`,
          ready: `${operations}/readyz`,
        }),
      },
      'open next',
    );
  }
}

export function createProxy(settings: ProxySettings, log: Logger): Lifecycle {
  return new Proxy(settings, log);
}
