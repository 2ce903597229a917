import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { LATENCY_BUCKETS } from './buckets.ts';

/** What an ingest measures: its upstreams, the ordering of the stream and publishing. */
export type IngestMetrics = ReturnType<typeof createIngestMetrics>;

/** Registers the ingest's metrics; counters without labels appear at 0 at once. */
export function createIngestMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const byUpstream = { labelNames: ['upstream'] as const, registers };
  /** Seconds since the last message, by upstream. */
  const ages = new Map<string, () => number>();
  return {
    /**
     * Has an upstream's `upstream_last_message_age_seconds` read at each scrape.
     *
     * @returns stops that, and takes the series away
     */
    watchUpstreamAge(upstream: string, seconds: () => number): () => void {
      ages.set(upstream, seconds);
      return () => ages.delete(upstream);
    },
    upstreamErrors: counter('websocket_proxy_upstream_errors', 'Errors of upstream connections'),
    upstreamConnectionAttempts: counter('websocket_proxy_upstream_connection_attempts', 'Dials of upstreams'),
    upstreamConnectionSuccesses: counter(
      'websocket_proxy_upstream_connection_successes',
      'Dials of upstreams that were answered with an upgrade',
    ),
    upstreamConnectionFailures: counter(
      'websocket_proxy_upstream_connection_failures',
      'Dials of upstreams that failed',
    ),
    upstreamConnections: gauge('websocket_proxy_upstream_connections', 'Upstreams connected now'),
    pingAttempts: counter('websocket_proxy_ping_attempts', 'Pings to upstreams that were due'),
    pingFailures: counter('websocket_proxy_ping_failures', 'Pings to upstreams that could not be sent'),
    pingSent: counter('websocket_proxy_ping_sent', 'Pings sent to upstreams'),
    upstreamMessages: new Counter({
      name: 'websocket_proxy_upstream_messages',
      help: 'Messages received from an upstream',
      ...byUpstream,
    }),

    upstreamBytes: new Counter({
      name: 'flashcast_upstream_bytes_total',
      help: 'Payload bytes received from an upstream, as they came',
      ...byUpstream,
    }),
    upstreamWins: new Counter({
      name: 'flashcast_upstream_wins_total',
      help: 'Messages that an upstream was the first to deliver',
      ...byUpstream,
    }),
    upstreamDuplicates: new Counter({
      name: 'flashcast_upstream_duplicates_total',
      help: 'Messages whose content was accepted already',
      ...byUpstream,
    }),
    upstreamConflicts: new Counter({
      name: 'flashcast_upstream_conflicts_total',
      help: 'Messages of a payload that lost its block',
      ...byUpstream,
    }),
    upstreamStale: new Counter({
      name: 'flashcast_upstream_stale_total',
      help: 'Messages at or before the last accepted position, or absurdly far ahead',
      ...byUpstream,
    }),
    upstreamLag: new Histogram({
      name: 'flashcast_upstream_lag_seconds',
      help: 'How long after the first upstream a duplicate arrived',
      buckets: LATENCY_BUCKETS,
      ...byUpstream,
    }),
    upstreamLastMessageAge: new Gauge({
      name: 'flashcast_upstream_last_message_age_seconds',
      help: 'Time since the last message of an upstream, or since the start where none came yet',
      ...byUpstream,
      collect() {
        this.reset();
        for (const [upstream, seconds] of ages) this.set({ upstream }, seconds());
      },
    }),
    upstreamConnected: new Gauge({
      name: 'flashcast_upstream_connected',
      help: '1 while an upstream is connected',
      ...byUpstream,
    }),
    upstreamOversized: new Counter({
      name: 'flashcast_upstream_oversized_total',
      help: 'Messages dropped for exceeding MAX_MESSAGE_BYTES',
      ...byUpstream,
    }),
    upstreamRaw: new Counter({
      name: 'flashcast_upstream_raw_total',
      help: 'Messages that are neither JSON nor brotli of JSON',
      ...byUpstream,
    }),
    upstreamGaps: new Counter({
      name: 'flashcast_upstream_gaps_total',
      help: 'Gaps in what an upstream sent, by how they ended; resumed: a new connection went on right after the last one',
      labelNames: ['upstream', 'outcome'] as const,
      registers,
    }),

    streamTakeovers: counter(
      'flashcast_stream_takeovers_total',
      'Blocks whose winning payload went silent and was replaced by another',
    ),
    streamRestarts: counter('flashcast_stream_restarts_total', 'New runs of positions after the chain went back'),
    publishDuration: new Histogram({
      name: 'flashcast_publish_duration_seconds',
      help: 'Time from the request to the answer of a publish',
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    publishResults: new Counter({
      name: 'flashcast_publish_results_total',
      help: 'What became of decided messages',
      labelNames: ['result'] as const,
      registers,
    }),
    publishBuffered: gauge('flashcast_publish_buffered_messages', 'Messages that wait to be published'),
    publishDropped: counter(
      'flashcast_publish_dropped_total',
      'Messages let go because the publish buffer was full or they grew too old',
    ),
  };
}
