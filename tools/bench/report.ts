import type { BenchOptions, Limits } from './options.ts';
import type { Load } from './load.ts';
import type { Times, TimesSummary } from './times.ts';

/** What `flashcast bench --json` prints. Times are in milliseconds; what was not measured is absent. */
export interface BenchReport {
  /** Host and port alone: the rest of a URL may hold a key. */
  readonly server: string;
  readonly clients: number;
  readonly threads: number;
  readonly ping_ms: number;
  readonly connected: number;
  readonly connect_seconds: number;
  readonly connect_ms?: TimesSummary;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly disconnected: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Messages that count: those that came first within the measured time. */
  readonly messages: number;
  readonly deliveries: number;
  readonly deliveries_per_second: number;
  readonly bytes: number;
  readonly lost: number;
  readonly repeated: number;
  /** Messages whose position was read, and rules of base nodes that they broke. */
  readonly positions_read: number;
  readonly order_broken: number;
  readonly spread_ms?: TimesSummary;
  readonly last_spread_ms?: TimesSummary;
  readonly latency_ms?: TimesSummary;
  readonly last_latency_ms?: TimesSummary;
  readonly first_byte_ms?: TimesSummary;
  readonly pings: number;
  readonly pongs: number;
  /** Pings without an answer when the next was due: a base node leaves then. */
  readonly late_pongs: number;
  readonly pong_ms?: TimesSummary;
  /** The server's processes; present with --pid. */
  readonly server_cpu?: {
    readonly seconds: number;
    /** Cores that were busy on average. */
    readonly cores: number;
    readonly us_per_delivery: number;
  };
  readonly server_memory?: {
    readonly before_bytes: number;
    readonly connected_bytes: number;
    readonly end_bytes: number;
    readonly bytes_per_client: number;
  };
  /** This process: a load test says something only where it was not the bottleneck itself. */
  readonly client_cpu: {
    readonly cores: number;
    readonly us_per_delivery: number;
    /** Busy share of the busiest thread, in its busiest half second. */
    readonly busiest_thread: number;
  };
  /** Limits that were exceeded. */
  readonly failures: readonly string[];
}

const total = (reasons: Readonly<Record<string, number>>): number =>
  Object.values(reasons).reduce((sum, times) => sum + times, 0);

function judge(report: Omit<BenchReport, 'failures'>, limits: Limits): string[] {
  const { connected, messages, refused, disconnected, lost, repeated, order_broken: broken, pong_ms: pong } = report;
  const { maxPongP99 } = limits;
  if (connected === 0) return [`nobody connected${describeReasons(refused)}`];
  const over = (what: string, value: number, limit: number): string[] =>
    value > limit ? [`${value} ${what}, ${limit} allowed`] : [];
  return [
    ...(messages === 0 ? ['no message came'] : []),
    ...over(`refused${describeReasons(refused)}`, total(refused), limits.maxRefused),
    ...over(`disconnected${describeReasons(disconnected)}`, total(disconnected), limits.maxDisconnects),
    ...over('lost', lost, limits.maxLost),
    ...over('repeated', repeated, limits.maxRepeated),
    ...over('broken rules of order', broken, 0),
    ...(maxPongP99 === undefined ? [] : over('ms in the 99th percentile of pongs', pong?.p99 ?? Infinity, maxPongP99)),
  ];
}

function describeReasons(reasons: Readonly<Record<string, number>>): string {
  const parts = Object.entries(reasons).map(([reason, times]) => `${times} x ${reason}`);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

const round = (value: number, digits = 3): number => Number(value.toFixed(digits));

function optional<Name extends string>(name: Name, times: Times): Readonly<Partial<Record<Name, TimesSummary>>> {
  const summary = times.summary();
  return (summary === undefined ? {} : { [name]: summary }) as Readonly<Partial<Record<Name, TimesSummary>>>;
}

function serverUsage(
  load: Load,
  deliveries: number,
  connected: number,
): Pick<BenchReport, 'server_cpu' | 'server_memory'> {
  const { before, connected: full, begun, ended } = load.usages;
  if (before === undefined || full === undefined || begun === undefined || ended === undefined) return {};
  const seconds = ended.cpuSeconds - begun.cpuSeconds;
  return {
    server_cpu: {
      seconds: round(seconds),
      cores: round(seconds / load.measuredSeconds),
      us_per_delivery: deliveries === 0 ? 0 : round((1e6 * seconds) / deliveries),
    },
    server_memory: {
      before_bytes: before.rssBytes,
      connected_bytes: full.rssBytes,
      end_bytes: ended.rssBytes,
      bytes_per_client: connected === 0 ? 0 : Math.round((ended.rssBytes - before.rssBytes) / connected),
    },
  };
}

/** Puts together what a load test found. */
export function makeReport(load: Load, options: BenchOptions): BenchReport {
  const { counts, spreads, measuredSeconds } = load;
  const { open, refused, disconnected, messages, deliveries, bytes, lost, repeated, pings, pongs, latePongs } = counts;
  const connected = open + total(disconnected);
  const report = {
    server: options.url.host,
    clients: options.clients,
    threads: options.threads,
    ping_ms: options.ping,
    connected,
    connect_seconds: round(load.connectSeconds),
    ...optional('connect_ms', load.connectTimes),
    ...{ refused, disconnected },
    seconds: round(measuredSeconds),
    ...{ messages, deliveries },
    deliveries_per_second: measuredSeconds === 0 ? 0 : Math.round(deliveries / measuredSeconds),
    ...{ bytes, lost, repeated },
    positions_read: spreads.read,
    order_broken: spreads.broken,
    ...optional('spread_ms', spreads.spread),
    ...optional('last_spread_ms', spreads.lastSpread),
    ...optional('latency_ms', spreads.latency),
    ...optional('last_latency_ms', spreads.lastLatency),
    ...optional('first_byte_ms', spreads.firstByte),
    ...{ pings, pongs },
    late_pongs: latePongs,
    ...optional('pong_ms', load.pongTimes),
    ...serverUsage(load, deliveries, connected),
    client_cpu: {
      cores: measuredSeconds === 0 ? 0 : round(load.cpuSeconds / measuredSeconds),
      us_per_delivery: deliveries === 0 ? 0 : round((1e6 * load.cpuSeconds) / deliveries),
      busiest_thread: round(load.busiest, 2),
    },
  };
  return { ...report, failures: judge(report, options) };
}

const number = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

function timesLine(name: string, times: TimesSummary | undefined): string[] {
  if (times === undefined) return [];
  const { p50, p90, p99, max } = times;
  const cells = Object.entries({ p50, p90, p99, max }).map(([label, ms]) => `${label} ${milliseconds(ms).padStart(8)}`);
  return [`${name.padEnd(13)}${cells.join('   ')}   ms`];
}

/** The summary for people, several lines. */
export function describeReport(report: BenchReport): string {
  const { server_cpu: cpu, server_memory: memory, client_cpu: client } = report;
  const lines = [
    `clients      ${number(report.connected)} of ${number(report.clients)} connected in ${report.connect_seconds.toFixed(2)} s${describeReasons(report.refused)}`,
    `disconnected ${number(total(report.disconnected))}${describeReasons(report.disconnected)}`,
    `messages     ${number(report.messages)} in ${report.seconds.toFixed(1)} s, ${number(report.deliveries)} deliveries, ${number(report.deliveries_per_second)} a second, ${megabytes(report.bytes)}`,
    `lost         ${number(report.lost)}, repeated ${number(report.repeated)}; of ${number(report.positions_read)} positions read, ${number(report.order_broken)} broke the order`,
    ...timesLine('connect', report.connect_ms),
    ...timesLine('first byte', report.first_byte_ms),
    ...timesLine('latency', report.latency_ms),
    ...timesLine('  last', report.last_latency_ms),
    ...timesLine('spread', report.spread_ms),
    ...timesLine('  last', report.last_spread_ms),
    ...timesLine('pong', report.pong_ms),
    ...(report.pings === 0
      ? []
      : [
          `pings        ${number(report.pings)}, ${number(report.pongs)} answered, ${number(report.late_pongs)} not before the next`,
        ]),
    ...(cpu === undefined || memory === undefined
      ? []
      : [
          `server       ${cpu.cores.toFixed(2)} cores, ${cpu.us_per_delivery.toFixed(2)} us a delivery, ${megabytes(memory.end_bytes)}, ${(memory.bytes_per_client / 1024).toFixed(1)} KB a client`,
        ]),
    `this load    ${client.cores.toFixed(2)} cores, ${client.us_per_delivery.toFixed(2)} us a delivery, busiest thread ${Math.round(100 * client.busiest_thread)} %`,
  ];
  return `${lines.join('\n')}\n`;
}
