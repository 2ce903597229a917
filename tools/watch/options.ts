import { describeFlags, parseFlags } from '../flags.ts';
import { addFilter } from './filter-query.ts';

/** As many as MAX_FILTER_TERMS allows by default. */
const MAX_TERMS = 1000;

const FLAGS = {
  json: { kind: 'switch', help: 'one JSON object per line' },
  count: { kind: 'number', min: 1, max: Number.MAX_SAFE_INTEGER, help: 'end after so many messages' },
  encoding: {
    kind: 'choice',
    choices: ['br', 'identity', 'text'],
    help: "ask for this encoding; without it the server's default",
  },
  address: {
    kind: 'list',
    pattern: /^0x[0-9a-f]{40}$/i,
    expected: '0x and 40 hex digits',
    max: MAX_TERMS,
    help: 'only messages that name this address; may come several times',
  },
  topic: {
    kind: 'list',
    pattern: /^0x[0-9a-f]{64}$/i,
    expected: '0x and 64 hex digits',
    max: MAX_TERMS,
    help: 'only messages with a log of this topic; may come several times',
  },
  match: {
    kind: 'choice',
    choices: ['any', 'all'],
    help: 'any: an address or a topic is enough (the default); all: one of each must match',
  },
  timeoutMs: {
    kind: 'number',
    min: 0,
    max: 86_400_000,
    initial: 30_000,
    help: 'longest wait for the connection and from message to message; 0 for any',
  },
} as const;

export const USAGE = `Usage: flashcast watch URL [flags]

Connects to a stream (ws:// or wss://) as a client, prints a line per message and checks the rules by which a base node
follows it: the next index of the block, or index 0 of a block; anything else costs such a node its pending state. A stream
with a filter has holes by nature: its order is not checked. Filters match what the bytes of a message name; a sender is not
in them, and topics match only where the stream carries receipts.

${describeFlags(FLAGS)}
  -h, --help

A line: time, block-index, payload id, transactions, plain bytes, bytes on the wire and their encoding, time since the
message before. With --json: time, block, index, payload_id, transactions, plain_bytes, wire_bytes, encoding,
interval_ms; block, index, payload_id and transactions only where the message is a flashblock.

Exit status
  0    the count came; without --count: interrupted (SIGINT, SIGTERM)
  1    the connection failed or ended, or the rules were broken (each place is named on standard error)
  2    wrong command line
  130  interrupted before the count came
  141  the reader of the output went away
`;

export interface WatchOptions {
  readonly url: URL;
  readonly json: boolean;
  readonly count: number | undefined;
  readonly timeoutMs: number;
}

export type WatchCommand =
  | { readonly kind: 'watch'; readonly options: WatchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** The URL itself is never repeated in a problem: it may hold a key. */
function readUrl(positionals: readonly string[]): URL | string {
  const [text, ...more] = positionals;
  if (text === undefined) return 'expected the URL of a stream, ws:// or wss://';
  if (more.length > 0) return `expected one URL, received ${positionals.length} values`;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'the URL cannot be read; expected ws://HOST:PORT/ws or wss://HOST/ws';
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    return `expected a ws:// or wss:// URL, received ${url.protocol}//`;
  return url.hash === '' ? url : 'a WebSocket URL has no fragment (#...)';
}

/** Reads the command line of `flashcast watch`. */
export function readWatchCommand(argv: readonly string[]): WatchCommand {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) return { kind: 'help' };
  if (problems.length > 0) return { kind: 'refused', problems };
  const url = readUrl(positionals);
  if (typeof url === 'string') return { kind: 'refused', problems: [url] };
  if (values.encoding !== undefined) url.searchParams.set('encoding', values.encoding);
  const contradictions = addFilter(url, values);
  if (contradictions.length > 0) return { kind: 'refused', problems: contradictions };
  const { json, count, timeoutMs } = values;
  return { kind: 'watch', options: { url, json, count, timeoutMs } };
}
