/** `npm run bench`: runs rows, the two programs of each in turns, and prints the table. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import type { BenchReport } from '../tools/bench/report.ts';
import { measure, type LoadPlan } from './measure.ts';
import { readRunCommand, type RunOptions } from './options.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows/index.ts';
import { soak } from './soak.ts';
import { insertLines, renderTable } from './table.ts';
import { judge, type LineVerdict } from './verdict.ts';

const PAGE = new URL('../docs/performance.md', import.meta.url);
/** What is left of a row in a smoke run. */
const SMOKE: Partial<LoadPlan> = { clients: 20, messages: 3, warmUpMessages: 3, intervalMs: 100 };

/** Date and size of the machine, for the table. */
function describeRun(repeat: number): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${availableParallelism()} cores, ${gigabytes} GB, ${process.version}, median of ${repeat}`;
}

function summary({ clients, connected, lost, repeated, messages, client_cpu: client, ...report }: BenchReport): string {
  const { server_cpu: cpu, latency_ms: latency, last_latency_ms: last, pong_ms: pong } = report;
  const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(1));
  return [
    `${connected}/${clients} clients in ${report.connect_seconds} s, ${messages} messages, ${lost} lost, ${repeated} repeated;`,
    `server ${cpu?.us_per_delivery ?? '-'} us a delivery, ${cpu?.cores ?? '-'} cores; latency ${ms(latency?.p50)}, p99 ${ms(latency?.p99)},`,
    `last ${ms(last?.p50)}, pong p99 ${ms(pong?.p99)} ms;`,
    `load ${client.us_per_delivery} us, busiest thread ${client.busiest_thread}`,
  ].join(' ');
}

/** Runs a row; who is first changes from turn to turn, so that neither profits from what the other leaves behind. */
async function runRow(
  row: Row,
  { repeat, smoke }: RunOptions,
  interrupted: AbortSignal,
): Promise<readonly LineVerdict[]> {
  const [first, second] = row.contestants;
  const plan = { ...row.plan, ...(smoke && SMOKE) };
  const runs: [BenchReport, BenchReport?][] = [];
  const run = async (contestant: typeof first, its: LoadPlan): Promise<BenchReport> => {
    const report = await measure(contestant, its, interrupted);
    console.log(`${row.name} ${runs.length + 1}/${repeat} ${contestant.name}: ${summary(report)}`);
    return report;
  };
  while (runs.length < repeat) {
    if (second === undefined) {
      runs.push([await run(first, plan)]);
      continue;
    }
    const otherPlan = { ...plan, ...row.otherPlan };
    const early = runs.length % 2 === 1 ? await run(first, plan) : undefined;
    const other = await run(second, otherPlan);
    runs.push([early ?? (await run(first, plan)), other]);
  }
  return judge(row, runs);
}

/**
 * Runs the table for a command line.
 *
 * @param interrupted ends what was started, and the run: it fails then
 * @returns the exit status: 0, 1 where a soak found growth or losses, 2 where the command line is wrong. A goal that is missed is no failure: the table says it
 */
export async function main(argv: readonly string[], interrupted: AbortSignal): Promise<number> {
  const command = readRunCommand(argv, ROWS);
  if (command.kind === 'soak') {
    const { text, met } = await soak(command.durationMs, interrupted);
    console.log(text);
    return met ? 0 : 1;
  }
  if (command.kind !== 'run') {
    process[command.kind === 'help' ? 'stdout' : 'stderr'].write(command.text);
    return command.kind === 'help' ? 0 : 2;
  }
  const { rows, repeat, write } = command.options;
  const verdicts: LineVerdict[] = [];
  for (const row of rows) {
    const judged = await runRow(row, command.options, interrupted);
    verdicts.push(...judged);
    if (write) await writeFile(PAGE, insertLines(await readFile(PAGE, 'utf8'), judged, describeRun(repeat)));
  }
  console.log(`\n${renderTable(verdicts, describeRun(repeat))}`);
  return 0;
}
