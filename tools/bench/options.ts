import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describeFlags, parseFlags } from '../flags.ts';
import { MAX_SOURCES } from './source-address.ts';

/** More threads than this do not help: the server is the bottleneck long before. */
const MAX_THREADS = 16;
/** Descriptors that a process needs beside its clients' sockets. */
const OTHER_FILES = 64;
const HOUR_MS = 3_600_000;
const DEFAULT_DURATION_MS = 10_000;

const FLAGS = {
  clients: { kind: 'number', min: 1, max: 1_000_000, initial: 100, help: 'connections' },
  ramp: {
    kind: 'number',
    min: 0,
    max: 1_000_000,
    initial: 1000,
    help: 'connections begun per second; 0: as fast as the server answers, 64 at a time and thread',
  },
  duration: {
    kind: 'duration',
    max: 24 * HOUR_MS,
    help: 'how long is measured, once all are connected; default 10s, or until --count',
  },
  count: { kind: 'number', min: 1, max: 100_000_000, help: 'measure so many messages' },
  ping: { kind: 'duration', max: HOUR_MS, help: 'each client pings this often, as base nodes do each 500ms' },
  encoding: { kind: 'choice', choices: ['br', 'identity', 'text'], help: "without it the server's default" },
  key: { kind: 'text', help: 'API key, sent in a header; never shown' },
  sources: {
    kind: 'number',
    min: 0,
    max: MAX_SOURCES,
    initial: 0,
    help: 'come from so many addresses of 127.1.0.0/16 (Linux); 0: from one',
  },
  pid: {
    kind: 'list',
    pattern: /^[1-9]\d{0,9}$/,
    expected: 'the number of a process',
    max: 64,
    help: "a process of the server, whose CPU and memory are told with its children's (Linux); may come several times",
  },
  threads: { kind: 'number', min: 1, max: MAX_THREADS, help: 'threads of clients; default one per core but one' },
  maxLost: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    initial: 0,
    help: 'fail above so many lost messages',
  },
  maxRepeated: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    initial: 0,
    help: 'fail above so many messages that came again or late',
  },
  maxDisconnects: { kind: 'number', min: 0, max: 1_000_000, initial: 0, help: 'fail above so many ended connections' },
  maxRefused: { kind: 'number', min: 0, max: 1_000_000, initial: 0, help: 'fail above so many refused connections' },
  maxPongP99: { kind: 'duration', max: HOUR_MS, help: 'fail where the 99th percentile of pong times is above this' },
  allowRemote: { kind: 'switch', help: 'load a server that is not on this machine: your own, please' },
  json: { kind: 'switch', help: 'print one JSON object instead of the summary' },
} as const;

export const USAGE = `Usage: flashcast bench URL [flags]

Loads a server with clients (ws://) and measures: every client must get every message once and in order. Only a server on
this machine is loaded, unless --allow-remote is given.

${describeFlags(FLAGS)}
  -h, --help

What is told
  spread    from the first client's first byte of a message to each client's last byte
  latency   the same from the builder's send, where its messages say when that was (flashcast simulate --stamp)
  last      the client that got a message last, over all messages
  pong      from a client's Ping to its Pong
  lost      messages that a client did not get, though it stayed connected
  repeated  messages that a client got again, or after a later one
  order     positions, as one client of them reads them: the rules of base nodes that were broken

Exit status
  0    everything within the limits
  1    nobody connected, nothing came, or one of the limits (--max-...) was exceeded, each named on standard error
  2    wrong command line
  130  interrupted; what was measured until then is told
`;

export interface Limits {
  readonly maxLost: number;
  readonly maxRepeated: number;
  readonly maxDisconnects: number;
  readonly maxRefused: number;
  /** Milliseconds. */
  readonly maxPongP99: number | undefined;
}

export interface BenchOptions extends Limits {
  readonly url: URL;
  readonly key: string | undefined;
  readonly clients: number;
  readonly threads: number;
  readonly ramp: number;
  /** Milliseconds; absent where the count alone ends it. */
  readonly duration: number | undefined;
  readonly count: number | undefined;
  /** Milliseconds; 0 for none. */
  readonly ping: number;
  readonly sources: number;
  readonly pids: readonly number[];
  readonly json: boolean;
}

export type BenchCommand =
  | { readonly kind: 'bench'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** The URL itself is never repeated in a problem: it may hold a key. */
function readUrl(positionals: readonly string[]): URL | string {
  const [text, ...more] = positionals;
  if (text === undefined) return 'expected the URL of a stream, ws://HOST:PORT/ws';
  if (more.length > 0) return `expected one URL, received ${positionals.length} values`;
  if (!URL.canParse(text)) return 'the URL cannot be read; expected ws://HOST:PORT/ws';
  const url = new URL(text);
  if (url.protocol !== 'ws:') return `expected a ws:// URL, received ${url.protocol}//`;
  return url.hash === '' ? url : 'a WebSocket URL has no fragment (#...)';
}

/** Names and addresses that lead nowhere but to this machine. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** The soft limit of open files, which Node raises to the hard one as it starts; Infinity where it cannot be known. */
function openFileLimit(): number {
  try {
    const text = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files +(\d+)/m.exec(text)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

/** Reads the command line of `flashcast bench`. */
export function readBenchCommand(argv: readonly string[], fileLimit = openFileLimit()): BenchCommand {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) return { kind: 'help' };
  if (problems.length > 0) return { kind: 'refused', problems };
  const url = readUrl(positionals);
  if (typeof url === 'string') return { kind: 'refused', problems: [url] };
  const { allowRemote, encoding, threads, ping = 0, duration, count, key, pid, maxPongP99, ...rest } = values;
  const contradictions = [
    ...(allowRemote || isLoopback(url.hostname)
      ? []
      : [
          'the server is not on this machine: a load test disturbs whoever it is pointed at; --allow-remote if it is yours',
        ]),
    ...(key !== undefined && /[^\x21-\x7e]/.test(key) ? ['--key: expected a key without spaces'] : []),
    ...(rest.sources > 0 && url.hostname === '[::1]'
      ? ['--sources: an IPv6 server is reached from one address only']
      : []),
    ...(rest.clients + OTHER_FILES > fileLimit
      ? [`--clients: ${rest.clients} need more open files than the ${fileLimit} of the limit; see ulimit -n`]
      : []),
  ];
  if (contradictions.length > 0) return { kind: 'refused', problems: contradictions };
  if (encoding !== undefined) url.searchParams.set('encoding', encoding);
  return {
    kind: 'bench',
    options: {
      ...rest,
      ...{ url, key, ping, count, maxPongP99 },
      duration: duration ?? (count === undefined ? DEFAULT_DURATION_MS : undefined),
      threads: Math.min(rest.clients, threads ?? Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1))),
      pids: pid.map(Number),
    },
  };
}
