import { once } from 'node:events';
import { createBuilder, DEFAULT_INTERVAL_MS, type Builder } from './builder.ts';
import { flagName } from '../../shared/config/names.ts';
import { describeFlags, parseFlags, type FlagValues } from '../flags.ts';
import { FAULT_GRAMMAR, readFaultScript } from './fault-script.ts';
import type { Faults } from './faults.ts';
import { PROFILE_NAMES } from './profile.ts';
import { Publisher } from './publisher.ts';
import { Replay, type ReplayOptions } from './replay.ts';
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
  profile: {
    kind: 'choice',
    choices: PROFILE_NAMES,
    initial: 'base',
    help: 'sizes and contents: Base today, receipts in the metadata (50-120 kB), small or huge (over 1 MB) messages',
  },
  builders: {
    kind: 'number',
    min: 1,
    max: 16,
    initial: 1,
    help: 'builders that race with the same content, each on the next port, each with faults of its own',
  },
  skew: { kind: 'duration', max: 60_000, initial: 0, help: 'how much later each of them is than the one before' },
  fault: { kind: 'text', help: `what goes wrong, separated by commas: ${FAULT_GRAMMAR}` },
  replay: { kind: 'text', help: 'publish the recording in this file (flashcast watch --record) instead of a chain' },
  speed: { kind: 'text', initial: '1', help: 'of a replay: 2 is twice as fast; 0.01 to 1000' },
  loop: { kind: 'switch', help: 'of a replay: begin anew at the end; without it the replay ends with status 0' },
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

A builder: publishes realistic flashblocks on a WebSocket, on any path. Clients that name what they had last
(block_number and flashblock_index in the query) get what they missed, as far as the last 256 messages go.

${describeFlags(FLAGS)}
  -h, --help

--fault skip=0.01,dup=0.01,stall=5s@60s leaves out one message in a hundred, sends one twice, and is silent for 5 s after each
minute of messages; what a stall held back is sent after it. Its rates are those of the flags of the same meaning.

Logs a line per block. SIGINT or SIGTERM ends it with status 0, as does the end of a replay; 1 when it cannot listen or read the
recording, 2 for a wrong command line.
`;

type Values = FlagValues<typeof FLAGS>;
interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, an IPv6 host in brackets. */
function readAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** `flashcast simulate`: runs until it is interrupted and resolves with the exit status. */
export function runSimulate(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => simulate(argv, io));
}

/** Puts the script's faults over the flags'; a fault that both name is a problem. */
function readFaults({ fault, intervalMs, ...flags }: Values): {
  readonly faults: Faults;
  readonly problems: readonly string[];
} {
  const { skip, duplicate, late, rival, dropConnections, stallEvery, stallMs } = flags;
  const faults = { skip, duplicate, late, rival, dropConnections, stallEvery, stallMs };
  if (fault === undefined) return { faults, problems: [] };
  const script = readFaultScript(fault, intervalMs);
  const twice = Object.keys(script.faults).filter((name) => name !== 'stallMs' && faults[name as keyof Faults] > 0);
  return {
    faults: { ...faults, ...script.faults },
    problems: [
      ...script.problems.map((problem) => `--fault: ${problem}`),
      ...twice.map((name) => `--fault: --${flagName(name)} names the same`),
    ],
  };
}

function readSpeed(text: string): number | undefined {
  const speed = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  return speed >= 0.01 && speed <= 1000 ? speed : undefined;
}

/** Every problem of the values together, beside those of single flags. */
function contradictions(values: Values, port: number): string[] {
  const { builders, replay, loop, speed } = values;
  return [
    ...(port > 0 && port + builders - 1 > 65_535
      ? ['--builders: there are not so many ports behind that of --listen']
      : []),
    ...(readSpeed(speed) === undefined ? [`--speed: expected 0.01 to 1000, received ${JSON.stringify(speed)}`] : []),
    ...(replay === undefined && (loop || speed !== '1') ? ['--loop and --speed need --replay'] : []),
    ...(replay !== undefined && builders > 1 ? ['--replay has one builder'] : []),
  ];
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
  const { faults, problems: wrongFaults } = readFaults(values);
  const extra =
    problems.length === 0 && positionals.length > 0
      ? [`expected flags only, received ${JSON.stringify(positionals[0])}`]
      : [];
  const all = [...problems, ...address, ...wrongFaults, ...contradictions(values, listen?.port ?? 0), ...extra];
  if (listen === undefined || all.length > 0) return refuseUsage(io, 'simulate', all);
  const { replay, speed, loop } = values;
  if (replay !== undefined) return runReplay(listen, { file: replay, speed: readSpeed(speed) ?? 1, loop }, io);
  return runBuilders(listen, values, faults, io);
}

const say = (io: ToolIo, text: string): unknown => io.stdout.write(`${new Date().toISOString()} ${text}\n`);

function cannotListen(io: ToolIo, { host, port }: Address, error: unknown): 1 {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  io.stderr.write(`flashcast simulate: cannot listen on ${address}: ${(error as Error).message}\n`);
  return 1;
}

async function runBuilders(listen: Address, values: Values, faults: Faults, io: ToolIo): Promise<number> {
  const { intervalMs, seed, startBlock, frame, stamp, profile, skew } = values;
  const startAtMs = Date.now();
  const builders = Array.from({ length: values.builders }, (_, number): Builder => {
    const name = values.builders === 1 ? '' : `builder ${number + 1}: `;
    return createBuilder({
      host: listen.host,
      port: listen.port === 0 ? 0 : listen.port + number,
      ...{ intervalMs, seed, frame, stamp, profile, faults, startAtMs },
      delayMs: number * skew,
      faultSeed: seed + number,
      ...(startBlock !== undefined && { startBlock }),
      onBlock: ({ blockNumber, frames, bytes, clients }) =>
        say(io, `${name}block ${blockNumber}: ${frames} frames, ${Math.round(bytes / 1024)} KiB, ${clients} clients`),
    });
  });
  try {
    for (const [number, builder] of builders.entries()) {
      try {
        await builder.start();
      } catch (error) {
        return cannotListen(io, { ...listen, port: listen.port === 0 ? 0 : listen.port + number }, error);
      }
      say(io, `publishing on ${builder.url}`);
    }
    if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
    return 0;
  } finally {
    await Promise.all(builders.map((builder) => builder.stop()));
  }
}

async function runReplay(listen: Address, options: ReplayOptions, io: ToolIo): Promise<number> {
  const publisher = new Publisher(listen);
  const replay = new Replay(publisher, options, ({ frames, bytes }) =>
    say(io, `replayed ${frames} frames, ${Math.round(bytes / 1024)} KiB, ${publisher.clients} clients`),
  );
  const stop = (): void => {
    replay.stop();
  };
  try {
    await publisher.start();
  } catch (error) {
    return cannotListen(io, listen, error);
  }
  io.interrupted.addEventListener('abort', stop);
  try {
    say(io, `publishing on ${publisher.url}`);
    // Whoever replays wants the first frame too: the recording begins when somebody is there.
    if (await publisher.hasClient(io.interrupted)) await replay.run();
    return 0;
  } catch (error) {
    io.stderr.write(`flashcast simulate: --replay: ${(error as Error).message}\n`);
    return 1;
  } finally {
    io.interrupted.removeEventListener('abort', stop);
    await publisher.stop();
  }
}
