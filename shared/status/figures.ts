import type { FigureName, LatencyName } from './contract.ts';

/** How a figure is read from the metrics; all label sets that match are summed. */
interface MetricFigure {
  readonly metric: string;
  /** `count`: what it rose by within the second; `gauge`: as it stands. */
  readonly kind: 'count' | 'gauge';
  /** Only the label sets with this value, or without it. */
  readonly only?: readonly [label: string, value: string];
  readonly except?: readonly [label: string, value: string];
}

/** Figures that the process measures of itself. */
export type OwnFigure = 'cpu' | 'loop' | 'memory';

const count = (metric: string, only?: MetricFigure['only']): MetricFigure => ({
  metric,
  kind: 'count',
  ...(only && { only }),
});
const gauge = (metric: string): MetricFigure => ({ metric, kind: 'gauge' });

/** Figures by the metrics that they are read from; a program that does not have a metric has not the figure. */
export const METRIC_FIGURES: Readonly<Record<Exclude<FigureName, OwnFigure>, MetricFigure>> = {
  messages: count('flashcast_stream_messages_total'),
  lost: count('flashcast_stream_gaps_total', ['outcome', 'lost']),
  recovered: count('flashcast_stream_gaps_total', ['outcome', 'filled']),
  epochs: count('flashcast_stream_epochs_total'),
  unreadable: count('flashcast_stream_unknown_versions_total'),
  clients: gauge('websocket_proxy_active_connections'),
  clientLimit: gauge('flashcast_instance_connection_limit'),
  opened: count('websocket_proxy_new_connections'),
  closed: count('websocket_proxy_closed_connections'),
  refused: { metric: 'flashcast_admissions_total', kind: 'count', except: ['result', 'admitted'] },
  slow: count('websocket_proxy_lagged_connections'),
  unanswered: count('websocket_proxy_client_pong_disconnects'),
  sent: count('websocket_proxy_sent_messages'),
  sentBytes: count('websocket_proxy_bytes_broadcasted'),
  queueMessages: gauge('websocket_proxy_broadcast_queue_size'),
  queueBytes: gauge('flashcast_client_queue_bytes'),
  draining: gauge('flashcast_draining'),
  upstreams: gauge('websocket_proxy_upstream_connections'),
  upstreamMessages: count('websocket_proxy_upstream_messages'),
  upstreamBytes: count('flashcast_upstream_bytes_total'),
  gapsRepaired: count('flashcast_upstream_gaps_total', ['outcome', 'repaired']),
  gapsLost: count('flashcast_upstream_gaps_total', ['outcome', 'lost']),
  takeovers: count('flashcast_stream_takeovers_total'),
  restarts: count('flashcast_stream_restarts_total'),
  oversized: count('flashcast_upstream_oversized_total'),
  published: count('flashcast_publish_results_total', ['result', 'published']),
  buffered: gauge('flashcast_publish_buffered_messages'),
  dropped: count('flashcast_publish_dropped_total'),
  redisUp: gauge('flashcast_redis_up'),
  limitDegraded: gauge('flashcast_limit_degraded'),
  keyReloadFailures: count('flashcast_api_keys_reload_failures_total'),
  tlsReloadFailures: count('flashcast_tls_reload_failures_total'),
};

/** Latencies by their histograms, in the order in which a reader wants them. */
export const LATENCY_METRICS: Readonly<Record<LatencyName, string>> = {
  endToEnd: 'flashcast_end_to_end_seconds',
  fanout: 'flashcast_edge_fanout_seconds',
  ingestToEdge: 'flashcast_ingest_to_edge_seconds',
  publish: 'flashcast_publish_duration_seconds',
};

/** Figures of each upstream by their metrics. */
export const UPSTREAM_METRICS = {
  connected: 'flashcast_upstream_connected',
  messages: 'websocket_proxy_upstream_messages',
  wins: 'flashcast_upstream_wins_total',
  lag: 'flashcast_upstream_lag_seconds',
} as const;
