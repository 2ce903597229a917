import { type Aggregator, Counter, Gauge, Histogram, Summary, type Registry } from 'prom-client';
import { LATENCY_BUCKETS } from './buckets.ts';

/** Why a client's connection ended; the closed set of the label `reason`. */
export const DISCONNECT_REASONS = [
  'client',
  'error',
  'pong_timeout',
  'slow',
  'draining',
  'frame_rate',
  'frame_size',
  'protocol',
  'key_revoked',
] as const;
export type DisconnectReason = (typeof DISCONNECT_REASONS)[number];

/** What an admission came to; the closed set of the label `result`. */
export const ADMISSION_RESULTS = [
  'admitted',
  'pending_limit',
  'handshake_timeout',
  'proxy_header',
  'not_found',
  'upgrade_required',
  'draining',
  'instance_limit',
  'unauthorized',
  'key_rate',
  'bad_request',
  'connect_rate',
  'ip_limit',
  'application_limit',
  'limits_unavailable',
  'handshake_failed',
] as const;
export type AdmissionResult = (typeof ADMISSION_RESULTS)[number];

/** What came of a client's wish to resume; the closed set of the label `outcome`. */
export const RESUME_OUTCOMES = ['complete', 'partial', 'live'] as const;
export type ResumeOutcome = (typeof RESUME_OUTCOMES)[number];

/** What an edge measures: the stream as it arrives, latency, clients, admission. */
export type EdgeMetrics = ReturnType<typeof createEdgeMetrics>;

/**
 * Registers the edge's metrics; every member of a closed label set appears at 0 at once. Over several workers they are summed unless
 * an aggregator says otherwise: what each worker counts of the one stream is the most of them, a state is the worst of them, and
 * what describes the newest message is that of the worker that is ahead, which comes first.
 */
export function createEdgeMetrics(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, aggregator: Aggregator = 'sum') =>
    new Counter({ name, help, registers, aggregator });
  const gauge = (name: string, help: string, aggregator: Aggregator = 'sum') =>
    new Gauge({ name, help, registers, aggregator });
  const seconds = (name: string, help: string) => new Histogram({ name, help, buckets: LATENCY_BUCKETS, registers });
  const metrics = {
    sentMessages: counter('websocket_proxy_sent_messages', 'Messages written to clients'),
    failedMessages: counter('websocket_proxy_failed_messages', 'Messages that could not be written to a client'),
    newConnections: counter('websocket_proxy_new_connections', 'Client connections opened'),
    closedConnections: counter('websocket_proxy_closed_connections', 'Client connections ended'),
    laggedConnections: counter('websocket_proxy_lagged_connections', 'Client connections ended for being too slow'),
    perIpRateLimitedRequests: counter(
      'websocket_proxy_per_ip_rate_limited_requests',
      'Connections refused by a per-IP limit',
    ),
    globalRateLimitedRequests: counter(
      'websocket_proxy_global_rate_limited_requests',
      'Connections refused by the instance limit',
    ),
    unauthorizedRequests: counter('websocket_proxy_unauthorized_requests', 'Connections refused for an unknown key'),
    bytesBroadcasted: counter('websocket_proxy_bytes_broadcasted', 'Bytes of frames written to clients'),
    clientPongDisconnects: counter('websocket_proxy_client_pong_disconnects', 'Clients ended for not answering pings'),
    activeConnections: gauge('websocket_proxy_active_connections', 'Clients connected now'),
    connectionsByApp: new Gauge({
      name: 'websocket_proxy_connections_by_app',
      help: 'Clients connected now, by application',
      labelNames: ['app'] as const,
      registers,
    }),
    broadcastQueueSize: gauge(
      'websocket_proxy_broadcast_queue_size',
      'Messages that wait for the slowest client',
      'max',
    ),
    messageSendDuration: new Summary({
      name: 'websocket_proxy_message_send_duration',
      help: 'Seconds that a slice of the fan-out took',
      percentiles: [0, 0.5, 0.9, 0.95, 0.99, 0.999, 1],
      maxAgeSeconds: 60,
      ageBuckets: 3,
      registers,
    }),

    streamMessages: counter('flashcast_stream_messages_total', 'Messages of the stream', 'max'),
    streamSequence: gauge('flashcast_stream_sequence', 'Number of the newest message', 'first'),
    streamBlockNumber: gauge('flashcast_stream_block_number', 'Block of the newest flashblock', 'first'),
    streamFlashblockIndex: gauge('flashcast_stream_flashblock_index', 'Index of the newest flashblock', 'first'),
    streamAge: gauge(
      'flashcast_stream_age_seconds',
      'Time since the newest message arrived, or since the start where none came yet',
      'max',
    ),
    streamEpochs: counter('flashcast_stream_epochs_total', 'Changes of the epoch', 'max'),
    streamGaps: new Counter({
      name: 'flashcast_stream_gaps_total',
      help: 'Messages that the channel skipped: filled from the history, or lost',
      labelNames: ['outcome'] as const,
      registers,
    }),
    streamHasReceipts: gauge(
      'flashcast_stream_has_receipts',
      'Whether the newest message with transactions that filters were asked about carries receipts, without which no topic matches',
      'first',
    ),
    streamUnknownMessages: counter(
      'flashcast_stream_unknown_messages_total',
      'Messages that are not flashblocks',
      'max',
    ),
    streamUnknownVersions: counter(
      'flashcast_stream_unknown_versions_total',
      'Envelopes of a version that this release does not read',
      'max',
    ),

    ingestToEdge: seconds(
      'flashcast_ingest_to_edge_seconds',
      'From the receipt by the ingest to the arrival at this edge; clocks of two hosts are compared',
    ),
    edgeFanout: seconds(
      'flashcast_edge_fanout_seconds',
      'From the arrival of a message to its write to the last client',
    ),
    endToEnd: seconds(
      'flashcast_end_to_end_seconds',
      'From the receipt by the ingest to the write to the last client; clocks of two hosts are compared',
    ),

    clientDisconnects: new Counter({
      name: 'flashcast_client_disconnects_total',
      help: 'Client connections ended, by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    clients: new Gauge({
      name: 'flashcast_clients',
      help: 'Clients connected now',
      labelNames: ['kind', 'encoding'] as const,
      registers,
    }),
    filterMatches: counter('flashcast_filter_matches_total', 'Messages written to clients with a filter'),
    filterUnparsed: counter(
      'flashcast_filter_unparsed_total',
      'Messages that filters cannot be asked about, and that no client with a filter gets',
    ),
    filterEvaluate: seconds(
      'flashcast_filter_evaluate_seconds',
      'Time that it took to ask all filters about a message at once',
    ),
    clientQueueBytes: gauge('flashcast_client_queue_bytes', 'Bytes that wait for the slowest client', 'max'),
    instanceConnectionLimit: gauge('flashcast_instance_connection_limit', 'INSTANCE_CONNECTION_LIMIT', 'max'),
    draining: gauge('flashcast_draining', '1 while the edge drains', 'max'),
    admissions: new Counter({
      name: 'flashcast_admissions_total',
      help: 'Connection attempts, by result',
      labelNames: ['result'] as const,
      registers,
    }),
    tlsReloadFailures: counter(
      'flashcast_tls_reload_failures_total',
      'Changes of the certificate files that could not be served with',
    ),
    tlsCertificateNotAfter: gauge(
      'flashcast_tls_certificate_not_after_seconds',
      'When the certificate in force ends, seconds since 1970; 0 without TLS',
      'min',
    ),
    resumes: new Counter({
      name: 'flashcast_resumes_total',
      help: 'Clients that asked for what they missed or for the current block, by what they got',
      labelNames: ['outcome'] as const,
      registers,
    }),
  };
  for (const outcome of RESUME_OUTCOMES) metrics.resumes.inc({ outcome }, 0);
  for (const reason of DISCONNECT_REASONS) metrics.clientDisconnects.inc({ reason }, 0);
  for (const result of ADMISSION_RESULTS) metrics.admissions.inc({ result }, 0);
  for (const outcome of ['filled', 'lost']) metrics.streamGaps.inc({ outcome }, 0);
  for (const encoding of ['br', 'identity', 'text'])
    for (const kind of ['plain', 'filtered']) metrics.clients.set({ kind, encoding }, 0);
  return metrics;
}
