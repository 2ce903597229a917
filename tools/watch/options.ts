import { describeFlags, parseFlags } from '../flags.ts';
import { readStreamUrl } from '../../client/stream-url.ts';
import { addFilter } from './filter-query.ts';

/** As many as MAX_FILTER_TERMS allows by default. */
const MAX_TERMS = 1000;

/** How long a watch that counts waits for a message; one without a count waits for a stream to come back. */
const COUNTING_TIMEOUT_MS = 30_000;

const FLAGS = {
  json: { kind: 'switch', help: 'one JSON object per line' },
  lines: { kind: 'switch', help: 'a line per message on a terminal too, instead of the table' },
  count: { kind: 'number', min: 1, max: Number.MAX_SAFE_INTEGER, help: 'end after so many messages' },
  encoding: {
    kind: 'choice',
    choices: ['br', 'identity', 'text'],
    help: "ask for this encoding; without it the server's default",
  },
  snapshot: { kind: 'switch', help: 'begin at index 0 of the current block instead of with the next message' },
  resume: {
    kind: 'text',
    help: 'keep the position in this file, and begin behind the one that is there',
  },
  record: { kind: 'text', help: 'write every frame to this new file, for flashcast simulate --replay' },
  filter: {
    kind: 'list',
    pattern: /^0x(?:[0-9a-f]{40}|[0-9a-f]{64})$/i,
    expected: '0x and 40 hex digits (an address) or 64 (a topic)',
    max: MAX_TERMS,
    help: 'only messages that name this address or have a log of this topic; may come several times',
  },
  address: {
    kind: 'list',
    pattern: /^0x[0-9a-f]{40}$/i,
    expected: '0x and 40 hex digits',
    max: MAX_TERMS,
    help: 'as --filter, for addresses only',
  },
  topic: {
    kind: 'list',
    pattern: /^0x[0-9a-f]{64}$/i,
    expected: '0x and 64 hex digits',
    max: MAX_TERMS,
    help: 'as --filter, for topics only',
  },
  match: {
    kind: 'choice',
    choices: ['any', 'all'],
    help: 'any: an address or a topic is enough (the default); all: one of each must match',
  },
  noReconnect: { kind: 'switch', help: 'end with the first connection' },
  timeoutMs: {
    kind: 'number',
    min: 0,
    max: 86_400_000,
    help: `give up after so long without a message; 0 for never (default ${COUNTING_TIMEOUT_MS} with --count, else 0)`,
  },
} as const;

export const USAGE = `Usage: flashcast watch URL [flags]

Follows a stream (ws:// or wss://) as a client: a live table on a terminal, a line per message into a pipe or file. Connects again
after any end of the connection, behind what it received last, and checks the order by the rules of a base node: the next index of
the block, or index 0 of the next block; anything else costs such a node its pending state. A stream with a filter has holes by
nature: its order is not checked. Filters match what the bytes of a message name; a sender is not in them, and topics match only
where the stream carries receipts.

${describeFlags(FLAGS)}
  -h, --help

A line: time, block-index, payload id, transactions, gas of the block so far, plain bytes, bytes on the wire and their encoding, time
since the message before, latency. The latency is known where the builder stamps its messages with this machine's clock
(flashcast simulate --stamp); the table shows the block's age instead where there is no stamp: the time since the block's own, below 0 before it.
With --json: time, block, index, payload_id, order, transactions, gas_used, plain_bytes, wire_bytes, encoding, interval_ms,
latency_ms, since_block_ms; those of a flashblock only where the message is one, the last two only where known. order is first, next,
repeat, gap, late, restart, or unknown with a filter.
Remarks (gaps, repeats, reconnects) and the summary go to standard error, the last 20 remarks when the table ends. NO_COLOR turns the table's colours off.
The file of --resume is replaced after each message; the file of --record must not exist. docs/clients.md tells their format.

Exit status
  0    the count came; without --count: interrupted (SIGINT, SIGTERM)
  1    refused, or given up; or something was missing or late (each place is named); or a file could not be written
  2    wrong command line, or a file that cannot be used
  130  interrupted before the count came
  141  the reader of the output went away
`;

export interface WatchOptions {
  readonly url: URL;
  readonly json: boolean;
  readonly lines: boolean;
  readonly count: number | undefined;
  readonly encoding: 'br' | 'identity' | 'text' | undefined;
  readonly snapshot: boolean;
  readonly reconnect: boolean;
  /** 0 for never. */
  readonly timeoutMs: number;
  /** Files. */
  readonly resume: string | undefined;
  readonly record: string | undefined;
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
  try {
    return readStreamUrl(text);
  } catch (error) {
    return (error as Error).message;
  }
}

/** An address has 40 digits. */
const isAddress = (term: string): boolean => term.length === 42;

/** Reads the command line of `flashcast watch`. */
export function readWatchCommand(argv: readonly string[]): WatchCommand {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) return { kind: 'help' };
  if (problems.length > 0) return { kind: 'refused', problems };
  const url = readUrl(positionals);
  if (typeof url === 'string') return { kind: 'refused', problems: [url] };
  const { filter, address, topic, match, noReconnect, ...rest } = values;
  const contradictions = addFilter(url, {
    address: [...address, ...filter.filter(isAddress)],
    topic: [...topic, ...filter.filter((term) => !isAddress(term))],
    match,
  });
  if (contradictions.length > 0) return { kind: 'refused', problems: contradictions };
  const timeoutMs = values.timeoutMs ?? (values.count === undefined ? 0 : COUNTING_TIMEOUT_MS);
  return { kind: 'watch', options: { ...rest, url, timeoutMs, reconnect: !noReconnect } };
}
