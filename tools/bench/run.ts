import { refuseUsage, withProcessIo, type ToolIo } from '../tool-io.ts';
import { Load } from './load.ts';
import { readBenchCommand, USAGE, type BenchOptions } from './options.ts';
import { describeReport, makeReport } from './report.ts';

/** 128 and the number of SIGINT, as of a process that dies of it. */
const INTERRUPTED_STATUS = 130;
/** Erases the line of a terminal and goes back to its beginning. */
const CLEAR_LINE = '\r\u001b[K';

/** `flashcast bench URL`: resolves with the exit status. */
export function runBench(argv: readonly string[]): Promise<number> {
  return withProcessIo((io) => bench(argv, io));
}

/** {@link runBench} on given streams. */
export async function bench(argv: readonly string[], io: ToolIo): Promise<number> {
  const command = readBenchCommand(argv);
  if (command.kind === 'refused') return refuseUsage(io, 'bench', command.problems);
  if (command.kind === 'help') {
    io.stdout.write(USAGE);
    return 0;
  }
  return measure(command.options, io);
}

async function measure(options: BenchOptions, io: ToolIo): Promise<number> {
  const terminal = (io.stderr as Partial<NodeJS.WriteStream>).isTTY === true;
  const load = new Load(options, io.interrupted, () => {
    if (terminal) io.stderr.write(CLEAR_LINE + progressLine(load, options));
  });
  await load.run();
  if (terminal) io.stderr.write(CLEAR_LINE);
  const report = makeReport(load, options);
  io.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describeReport(report));
  for (const failure of report.failures) io.stderr.write(`flashcast bench: ${failure}\n`);
  if (io.interrupted.aborted) return INTERRUPTED_STATUS;
  return report.failures.length > 0 ? 1 : 0;
}

/** One line that fits a terminal of 100 columns. */
function progressLine(load: Load, { clients, duration, count }: BenchOptions): string {
  const { open, messages, deliveries, lost } = load.counts;
  if (load.phase !== 'measuring') return `${load.phase}: ${open} of ${clients} clients`;
  const seconds = load.measuredSeconds;
  const rate = Math.round(deliveries / Math.max(seconds, 0.001));
  const of = duration === undefined ? '' : `/${(duration / 1000).toFixed(0)}`;
  const progress = `${seconds.toFixed(0)}${of} s, ${messages}${count === undefined ? '' : `/${count}`} messages`;
  const { latency, spread } = load.spreads;
  const [name, times] = latency.summary() === undefined ? ['spread', spread] : ['latency', latency];
  const p99 = (value: number): string => value.toFixed(1);
  return `${progress}, ${open} clients, ${rate} deliveries/s, ${name} p99 ${p99(times.percentile(99))} ms, pong p99 ${p99(load.pongTimes.percentile(99))} ms, lost ${lost}`;
}
