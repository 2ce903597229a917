import type { ServingProgram } from '../../../shared/config/program.ts';
import { MINIMAL, type Sources } from './support.ts';

/** A configuration that must not start, and the problems that must be named, all of them and no others. */
export interface WrongConfiguration extends Sources {
  readonly title: string;
  readonly program: ServingProgram;
  readonly expected: readonly RegExp[];
}

/** Stand for secrets in the configurations; none of them may be shown. */
export const SECRETS = ['hunter2', 'topsecret', 'tokenvalue', 'keyinpath'];

export const WRONG_CONFIGURATIONS: readonly WrongConfiguration[] = [
  {
    title: 'nothing at all for the proxy',
    program: 'proxy',
    expected: [/^UPSTREAM_WS: not set, expected ws:\/\/ or wss:\/\/ URIs.*--demo/],
  },
  {
    title: 'nothing at all for the ingest',
    program: 'ingest',
    expected: [/^UPSTREAM_WS: not set/, /^REDIS_URL: not set, expected redis:\/\//],
  },
  {
    title: 'an empty variable that is required',
    program: 'edge',
    env: { REDIS_URL: '' },
    expected: [/^REDIS_URL: not set/],
  },
  {
    title: 'numbers that are none',
    program: 'proxy',
    env: {
      ...MINIMAL.proxy,
      MESSAGE_BUFFER_SIZE: '20 messages',
      CLIENT_QUEUE_BYTES: '4MB',
      INSTANCE_CONNECTION_LIMIT: '-1',
      DRAIN_TIMEOUT_MS: '1e3',
      MAX_HEADER_BYTES: '0x2000',
    },
    expected: [
      /^MESSAGE_BUFFER_SIZE: received "20 messages", expected a whole number from 1 to 65536$/,
      /^CLIENT_QUEUE_BYTES: received "4MB", expected a whole number/,
      /^INSTANCE_CONNECTION_LIMIT: received "-1", expected a whole number from 1 /,
      /^DRAIN_TIMEOUT_MS: received "1e3", expected a whole number from 0 /,
      /^MAX_HEADER_BYTES: received "0x2000"/,
    ],
  },
  {
    title: 'numbers out of range',
    program: 'ingest',
    env: { ...MINIMAL.ingest, COMPRESSION_QUALITY: '12', STREAM_MAX_MESSAGES: '0', RESTART_MS: '2147483648' },
    expected: [
      /^COMPRESSION_QUALITY: received "12", expected a whole number from 0 to 11$/,
      /^STREAM_MAX_MESSAGES: received "0"/,
      /^RESTART_MS: received "2147483648", expected a whole number from 1 to 2147483647$/,
    ],
  },
  {
    title: 'booleans that are none',
    program: 'edge',
    env: { ...MINIMAL.edge, ENABLE_COMPRESSION: 'yes', METRICS: 'off' },
    expected: [/^ENABLE_COMPRESSION: received "yes", expected true, false, 1 or 0$/, /^METRICS: received "off"/],
  },
  {
    title: 'mistyped flags',
    program: 'proxy',
    argv: ['--demo', '--listen-adr', '0.0.0.0:1', '--no-metrics', '--frobnicate=topsecret', '-metrics-addr', 'x'],
    expected: [
      /^--listen-adr: unknown flag; did you mean --listen-addr\?$/,
      /^--no-metrics: unknown flag; did you mean --metrics=false\?$/,
      /^--frobnicate: unknown flag; --help lists them all$/,
      /^-metrics-addr: unknown flag; did you mean --metrics-addr\?$/,
    ],
  },
  {
    title: 'a flag of another program',
    program: 'edge',
    env: MINIMAL.edge,
    argv: ['--upstream-ws', 'ws://user:hunter2@builder', '--redis-mode', 'standalone'],
    expected: [/^--upstream-ws: not a flag of edge; it belongs to proxy and ingest$/],
  },
  {
    title: 'flags without a value, given twice, and a stray word',
    program: 'proxy',
    argv: ['--demo', '--listen-addr', '--metrics-addr=', '--dedupe', 'off', '--dedupe', 'content', 'topsecret'],
    expected: [
      /^--listen-addr: expected a value$/,
      /^--metrics-addr: expected a value$/,
      /^--dedupe: given more than once$/,
      /^argument 8: not a flag/,
    ],
  },
  {
    title: 'upstreams that are no WebSocket URIs',
    program: 'proxy',
    env: { UPSTREAM_WS: 'ws://ok,http://user:hunter2@builder/keyinpath?token=tokenvalue' },
    expected: [
      /^UPSTREAM_WS: received ws:\/\/ok,http:\/\/\*\*\*@builder\/\*\*\*\?token=\*\*\*, expected ws:\/\/ or wss:\/\//,
    ],
  },
  {
    title: 'a secret in the place of an URI',
    program: 'ingest',
    env: { UPSTREAM_WS: 'hunter2', REDIS_URL: 'redis://:top#topsecret@redis' },
    expected: [/^UPSTREAM_WS: received \*\*\*, expected/, /^REDIS_URL: received \*\*\*, expected/],
  },
  {
    title: 'a secret in the place of an address',
    program: 'edge',
    env: { ...MINIMAL.edge, LISTEN_ADDR: 'redis://:hunter2@redis:6379', METRICS_ADDR: '9000' },
    expected: [/^LISTEN_ADDR: received redis:\/\/\*\*\*@redis:6379, expected/, /^METRICS_ADDR: received "9000"/],
  },
  {
    title: 'times that contradict each other',
    program: 'proxy',
    argv: ['--demo', '--subscriber-ping-interval-ms=4000', '--client-ping-enabled', '--drain-timeout-ms', '1000'],
    env: { CLIENT_PONG_TIMEOUT_MS: '15000' },
    expected: [
      /^--subscriber-ping-interval-ms \(4000\): expected less than SUBSCRIBER_PONG_TIMEOUT_MS by default \(4000\)/,
      /^CLIENT_PING_INTERVAL_MS by default \(15000\): expected less than CLIENT_PONG_TIMEOUT_MS \(15000\)/,
      /^DRAIN_DELAY_MS by default \(2000\): expected at most --drain-timeout-ms \(1000\)/,
    ],
  },
  {
    title: 'one port for clients and metrics',
    program: 'edge',
    env: { ...MINIMAL.edge, LISTEN_ADDR: '127.0.0.1:9000' },
    expected: [/^METRICS_ADDR by default: expected another port than LISTEN_ADDR, both are 9000$/],
  },
  {
    title: 'one port of one address for clients and metrics',
    program: 'proxy',
    argv: ['--demo', '--listen-addr=127.0.0.1:9000', '--metrics-addr=127.0.0.1:9000'],
    expected: [/^--metrics-addr: expected another port than --listen-addr, both are 9000$/],
  },
  {
    title: 'a Redis mode that the URL contradicts',
    program: 'edge',
    env: { REDIS_URL: 'redis+sentinel://:hunter2@s1,s2/primary', REDIS_MODE: 'cluster' },
    expected: [/^REDIS_MODE: received "cluster", but REDIS_URL is one for sentinel$/],
  },
  {
    title: 'several servers that are no cluster',
    program: 'edge',
    env: { REDIS_URL: 'redis://:hunter2@r1,r2' },
    expected: [/^REDIS_URL: names 2 servers, expected one, or a URL of redis\+sentinel or redis\+cluster$/],
  },
  {
    title: 'a database of a cluster',
    program: 'ingest',
    env: { ...MINIMAL.ingest, REDIS_URL: 'redis://redis/3' },
    argv: ['--redis-mode', 'cluster'],
    expected: [/^--redis-mode: a cluster has no database 3, which REDIS_URL asks for$/],
  },
  {
    title: 'a secret given in two ways',
    program: 'edge',
    env: { REDIS_URL: 'redis://:hunter2@redis', REDIS_URL_FILE: 'redis-url' },
    files: { 'redis-url': 'redis://:topsecret@redis\n' },
    expected: [/^REDIS_URL_FILE: contradicts REDIS_URL; expected only one of them$/],
  },
  {
    title: 'secret files that are missing, empty, too large or not text',
    program: 'ingest',
    env: { REDIS_URL_FILE: 'empty', UPSTREAM_WS_FILE: 'absent' },
    files: { empty: ' \n' },
    expected: [
      /^REDIS_URL_FILE: the file "empty" is empty$/,
      /^UPSTREAM_WS_FILE: the file "absent" does not exist$/,
      /^UPSTREAM_WS: not set/,
      /^REDIS_URL: not set/,
    ],
  },
  {
    title: 'a config file with unknown names and wrong shapes',
    program: 'proxy',
    argv: ['--config', 'flashcast.yaml'],
    files: {
      'flashcast.yaml':
        'listenAddr: 8545\nlistenAdr: 0.0.0.0:1\nMETRICS_ADDR: x\nupstreamWs: [ws://a, {b: hunter2}]\ndemo: true\nlogLevel: [info]\n',
    },
    expected: [
      /^"listenAdr" in the config file: no such setting; did you mean listenAddr\?$/,
      /^"METRICS_ADDR" in the config file: no such setting; did you mean metricsAddr\?$/,
      /^upstreamWs in the config file: received a structure, expected ws:\/\//,
      /^"demo" in the config file: no such setting/,
      /^listenAddr in the config file: received "8545", expected an address and a port/,
      /^logLevel in the config file: received "info", expected one of/,
      /^UPSTREAM_WS: not set/,
    ],
  },
  {
    title: 'a config file that is no YAML',
    program: 'edge',
    argv: ['--config', 'flashcast.yaml'],
    env: MINIMAL.edge,
    files: { 'flashcast.yaml': 'redisUrl: redis://redis\nlogLevel: "hunter2\nmetrics: [' },
    expected: [/^--config: "flashcast\.yaml" is not valid YAML or JSON at line \d+, column \d+ \(\w+\)$/],
  },
  {
    title: 'a config file that is missing',
    program: 'edge',
    argv: ['--config=absent.yaml'],
    env: MINIMAL.edge,
    expected: [/^--config: the file "absent\.yaml" does not exist$/],
  },
  {
    title: 'a proxy of several processes',
    program: 'proxy',
    argv: ['--demo'],
    env: { EDGE_WORKERS: 'auto' },
    expected: [
      /^EDGE_WORKERS: received "auto", expected 1, as a proxy is one process; .* flashcast ingest and flashcast edge/,
    ],
  },
  {
    title: 'what this release does not do',
    program: 'proxy',
    argv: ['--demo'],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:hunter2@otel/keyinpath' },
    expected: [
      /^OTEL_EXPORTER_OTLP_ENDPOINT: received https:\/\/\*\*\*@otel\/\*\*\*\. This release sends no traces\.$/,
    ],
  },
  {
    title: 'keys that are none',
    program: 'proxy',
    argv: ['--demo', '--api-keys', 'app:hunter2,topsecret'],
    expected: [/^--api-keys: received \*\*\*,\*\*\*, expected app:key or app:key:limit between commas$/],
  },
  {
    title: 'half of what TLS needs',
    program: 'edge',
    env: { ...MINIMAL.edge, TLS_CERT_FILE: 'cert.pem' },
    expected: [/^TLS_KEY_FILE: not set, expected the path of a file, as TLS_CERT_FILE is set$/],
  },
  {
    title: 'the other half of what TLS needs',
    program: 'proxy',
    argv: ['--demo', '--tls-key-file', 'key.pem'],
    expected: [/^TLS_CERT_FILE: not set, expected the path of a file, as --tls-key-file is set$/],
  },
  {
    title: 'a PROXY protocol that nobody may speak, and a lease shorter than the wait for it',
    program: 'edge',
    env: { ...MINIMAL.edge, PROXY_PROTOCOL: 'true', TRUSTED_PROXIES: 'none', LEASE_TTL_MS: '200' },
    expected: [
      /^LIMIT_TIMEOUT_MS by default \(250\): expected less than LEASE_TTL_MS \(200\), else a lease expires/,
      /^PROXY_PROTOCOL: expected TRUSTED_PROXIES to name the balancers that speak it/,
    ],
  },
  {
    title: "servers of a proxy's Redis that are several",
    program: 'proxy',
    argv: ['--demo', '--redis-url', 'redis://r1,r2'],
    expected: [/^--redis-url: names 2 servers, expected one/],
  },
  {
    title: 'names and labels that would break what they name',
    program: 'edge',
    env: {
      ...MINIMAL.edge,
      REDIS_KEY_PREFIX: 'flash{blocks}',
      EDGE_ID: 'edge one',
      METRICS_GLOBAL_LABELS: 'region=eu,le=1',
      IP_ADDR_HTTP_HEADER: 'X Forwarded For',
      TRUSTED_PROXIES: '10.0.0.1/8,none',
    },
    expected: [
      /^TRUSTED_PROXIES: received "10\.0\.0\.1\/8,none", expected CIDRs/,
      /^IP_ADDR_HTTP_HEADER: received "X Forwarded For"/,
      /^REDIS_KEY_PREFIX: received "flash\{blocks\}", expected .* without braces and white space$/,
      /^EDGE_ID: received "edge one"/,
      /^METRICS_GLOBAL_LABELS: received "region=eu,le=1", expected label=value pairs/,
    ],
  },
  {
    title: 'a label that another setting sets',
    program: 'proxy',
    argv: ['--demo', '--metrics-host-label', '--metrics-global-labels', 'hostname=a'],
    expected: [/^--metrics-global-labels: expected no label hostname, as --metrics-host-label sets it$/],
  },
  {
    title: 'mistakes in every source at once',
    program: 'ingest',
    argv: ['--dedup', 'off', '--config', 'c.json', '--log-format', 'xml'],
    env: { UPSTREAM_WS: 'wss://h/keyinpath#x', LOG_LEVEL: 'info', WEBSOCKET_PROXY_LOG_VERBOSITY: '5' },
    files: { 'c.json': '{"takeoverMs": 0.5, "logFormat": "json"}', '.env': 'GAP_REPAIR_MS=soon\nLOG_FORMAT=yaml\n' },
    expected: [
      /^--dedup: unknown flag; did you mean --dedupe\?$/,
      /^WEBSOCKET_PROXY_LOG_VERBOSITY: contradicts LOG_LEVEL/,
      /^UPSTREAM_WS: received \*\*\*, expected/,
      /^takeoverMs in the config file: received "0\.5", expected a whole number/,
      /^GAP_REPAIR_MS in \.env: received "soon"/,
      /^--log-format: received "xml", expected json or text$/,
      /^REDIS_URL: not set/,
    ],
  },
];
