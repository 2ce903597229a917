import { listenAddress } from '../formats/addresses.ts';
import { directoryPath, keyPrefix, labels, processId } from '../formats/names.ts';
import { byteCount, milliseconds, wholeNumber } from '../formats/numbers.ts';
import { parseRedisUrl, redisUrl } from '../formats/redis-url.ts';
import { httpUri } from '../formats/uris.ts';
import { boolean, logFormat, logLevel, oneOf } from '../formats/words.ts';
import type { ComputedDefault, Setting } from '../setting.ts';

const processName: ComputedDefault = {
  text: 'host name and a random suffix',
  compute: ({ hostName, randomSuffix }) => `${hostName.replaceAll(/[^\w.-]/g, '-').slice(0, 100)}-${randomSuffix}`,
};

/** The stream's bounds, Redis, and what operators look at. */
export const sharedSettings = {
  streamMaxMessages: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: wholeNumber(1, 65_536),
    default: '256',
    aliases: ['RING_BUFFER_CAPACITY'],
    flagAliases: ['ring-buffer-capacity'],
    help: "Messages kept in Redis' history and in each edge's ring.",
  },
  streamMaxBytes: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: byteCount(1024),
    default: '67108864',
    help: "Bytes kept in Redis' history and in each edge's ring; the newest message is always kept.",
  },
  streamRetentionMs: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: milliseconds,
    default: '12000',
    help: 'Milliseconds after which a message is not sent again to anyone.',
  },
  redisUrl: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: redisUrl,
    required: ['ingest', 'edge'],
    secret: true,
    fromFile: true,
    help: 'The Redis that ingests and edges share; a proxy shares its limits there. User and password stand in the URL.',
  },
  redisMode: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: oneOf('standalone', 'sentinel', 'cluster'),
    default: { text: 'from the URL', compute: ({ redisUrl: url = '' }) => parseRedisUrl(url)?.mode ?? 'standalone' },
    help: 'cluster makes a Cluster of what a plain redis:// URL names.',
  },
  redisKeyPrefix: {
    group: 'Stream and Redis',
    programs: ['proxy', 'ingest', 'edge'],
    format: keyPrefix,
    default: 'flashblocks',
    help: 'First part of every key and channel in Redis.',
  },
  ingestId: {
    group: 'Operations',
    programs: ['proxy', 'ingest'],
    format: processId,
    default: processName,
    help: 'Names this ingest in metrics, logs and Redis.',
  },
  edgeId: {
    group: 'Operations',
    programs: ['proxy', 'edge'],
    format: processId,
    default: processName,
    help: 'Names this edge in metrics, logs and Redis.',
  },
  metrics: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: boolean,
    default: 'true',
    help: 'Serve metrics, health and status; false opens no port for them.',
  },
  metricsAddr: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: listenAddress,
    default: '0.0.0.0:9000',
    help: 'Address and port for /metrics, /livez, /readyz, /status and /status.json.',
  },
  metricsGlobalLabels: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: labels,
    default: '',
    help: 'Labels on every metric.',
  },
  metricsHostLabel: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: boolean,
    default: 'false',
    help: "Put the host's name on every metric as the label hostname.",
  },
  readyMaxAgeMs: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: milliseconds,
    default: '10000',
    help: "Milliseconds for which Redis may be away, or an edge behind Redis' head, before the process is not ready.",
  },
  statusPage: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: boolean,
    default: 'true',
    help: 'Serve the live page /status on METRICS_ADDR.',
  },
  logLevel: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: logLevel,
    default: 'info',
    aliases: ['WEBSOCKET_PROXY_LOG_VERBOSITY'],
    help: 'error, warn, info, debug or trace. -v is error, -vv warn, and so on to -vvvvv, trace.',
  },
  logFormat: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: logFormat,
    default: 'json',
    aliases: ['WEBSOCKET_PROXY_LOG_FORMAT'],
    flagAliases: ['logs.stdout.format'],
    help: 'json for machines, text for people.',
  },
  logQuiet: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: boolean,
    default: 'false',
    flagAliases: ['quiet', 'logs.stdout.quiet'],
    help: 'Write no log to standard output. -q is the same.',
  },
  logDir: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: directoryPath,
    aliases: ['WEBSOCKET_PROXY_LOG_DIR'],
    flagAliases: ['logs.file.directory'],
    help: 'Directory of a log file, flashcast.log, beside standard output. It is made where it is missing; old files are yours to remove.',
  },
  logFileFormat: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: logFormat,
    default: 'json',
    flagAliases: ['logs.file.format'],
    help: 'Format of the file in LOG_DIR.',
  },
  logFileRotation: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: oneOf('never', 'minutely', 'hourly', 'daily'),
    default: 'never',
    flagAliases: ['logs.file.rotation'],
    help: 'When a new file begins in LOG_DIR; its name then ends with its time in UTC.',
  },
  otelExporterOtlpEndpoint: {
    group: 'Operations',
    programs: ['proxy', 'ingest', 'edge'],
    format: httpUri,
    secret: true,
    help: 'Where traces go.',
  },
} as const satisfies Record<string, Setting>;
