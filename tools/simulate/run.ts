import { once } from 'node:events';
import { createBuilder, DEFAULT_INTERVAL_MS, type Builder } from './builder.ts';
import { describeFlags, parseFlags } from '../flags.ts';
import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';

const FLAGS = {
  listen: { kind: 'text', initial: '127.0.0.1:8546', help: 'address and port; port 0 takes a free one' },
  intervalMs: {
    kind: 'number',
    min: 1,
    max: 3_600_000,
    initial: DEFAULT_INTERVAL_MS,
    help: 'milliseconds from message to message; 11 messages are a block',
  },
  seed: {
    kind: 'number',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    initial: 1,
    help: 'builders of one seed and interval publish the same bytes at the same time',
  },
  startBlock: {
    kind: 'number',
    min: 1,
    max: 2 ** 40,
    help: 'first block; without it the chain follows the clock, so that a restarted builder goes on ahead',
  },
  frame: {
    kind: 'choice',
    choices: ['text', 'binary', 'brotli'],
    initial: 'text',
    help: 'Text JSON, Binary JSON or Binary brotli',
  },
  stamp: {
    kind: 'switch',
    help: 'write into each message when it was sent (metadata.sent_monotonic_ms), for readers on the same machine',
  },
  skip: { kind: 'rate', initial: 0, help: 'share of messages that are never sent' },
  duplicate: { kind: 'rate', initial: 0, help: 'share of messages that are sent twice' },
  late: { kind: 'rate', initial: 0, help: 'share of messages that are sent after their successor' },
  rival: { kind: 'rate', initial: 0, help: 'share of blocks that are also published under a second payload id' },
  dropConnections: { kind: 'rate', initial: 0, help: 'share of messages before which all connections are cut' },
  stallEvery: {
    kind: 'number',
    min: 0,
    max: 1_000_000,
    initial: 0,
    help: 'be silent after each run of N messages',
  },
  stallMs: {
    kind: 'number',
    min: 0,
    max: 3_600_000,
    initial: 5000,
    help: 'how long such a silence lasts; what it held back is sent after it',
  },
} as const;

export const USAGE = `Usage: flashcast simulate [flags]

A builder: publishes realistic flashblocks on a WebSocket, on any path.

${describeFlags(FLAGS)}
  -h, --help

Logs a line per block. SIGINT or SIGTERM ends it with status 0; 1 when it cannot listen, 2 for a wrong command line.
`;

/** Reads `HOST:PORT`, an IPv6 host in brackets. */
function readAddress(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** `flashcast simulate`: runs until it is interrupted and resolves with the exit status. */
export function runSimulate(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => simulate(argv, io));
}

/** {@link runSimulate} on given streams. */
export async function simulate(argv: readonly string[], io: ToolIo): Promise<number> {
  const { values, positionals, help, problems } = parseFlags(argv, FLAGS);
  if (help) {
    io.stdout.write(USAGE);
    return 0;
  }
  const listen = readAddress(values.listen);
  const address =
    listen === undefined ? [`--listen: expected HOST:PORT, received ${JSON.stringify(values.listen)}`] : [];
  const extra =
    problems.length === 0 && positionals.length > 0
      ? [`expected flags only, received ${JSON.stringify(positionals[0])}`]
      : [];
  if (listen === undefined || problems.length + extra.length > 0)
    return refuseUsage(io, 'simulate', [...problems, ...address, ...extra]);

  const { intervalMs, seed, startBlock, frame, stamp, ...faults } = values;
  const builder: Builder = createBuilder({
    ...listen,
    intervalMs,
    seed,
    ...(startBlock !== undefined && { startBlock }),
    frame,
    stamp,
    faults,
    onBlock: ({ blockNumber, frames, bytes, clients }) =>
      void io.stdout.write(
        `${new Date().toISOString()} block ${blockNumber}: ${frames} frames, ${Math.round(bytes / 1024)} KiB, ${clients} clients\n`,
      ),
  });
  try {
    await builder.start();
  } catch (error) {
    io.stderr.write(`flashcast simulate: cannot listen on ${values.listen}: ${(error as Error).message}\n`);
    return 1;
  }
  io.stdout.write(`${new Date().toISOString()} publishing on ${builder.url}\n`);
  if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
  await builder.stop();
  return 0;
}
