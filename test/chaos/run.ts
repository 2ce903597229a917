/** `npm run test:chaos`: runs rows, says what came of each, and fails where one is not what it must be. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../tools/simulate/random.ts';
import { BuildCopy } from './bugs.ts';
import { readOptions, USAGE, UsageError, type ChaosOptions } from './options.ts';
import { writeReport } from './report.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows/index.ts';
import { runRow } from './run-row.ts';
import type { RowVerdict } from './verdict.ts';

/** What a row takes at least, from the start of its processes to their end: with less time left none is begun. */
const SHORTEST_ROW_MS = 8000;
/** Seeds that a person can type. */
const MAX_SEED = 999_999_999;

/** What to run next, with which seed. */
function* schedule({ rows, seed, forMs }: ChaosOptions): Generator<{ readonly row: Row; readonly seed: number }> {
  if (forMs === undefined) {
    for (const row of rows) yield { row, seed };
    return;
  }
  const random = new Random(seed);
  const endAt = performance.now() + forMs - SHORTEST_ROW_MS;
  do {
    // Every row once before one comes again, in an order that is drawn.
    const left = [...rows];
    while (left.length > 0) {
      const [row] = left.splice(random.between(0, left.length - 1), 1);
      yield { row: row!, seed: random.between(0, MAX_SEED) };
      if (performance.now() >= endAt) return;
    }
  } while (performance.now() < endAt);
}

function summary(verdict: RowVerdict, tookMs: number): string {
  const { lost, told, repeated, outOfOrder, clients, messages, silenceMs, recoveredMs, counted } = verdict;
  const { reconnects, pongTimeouts, bystanders } = verdict;
  return [
    `${clients} clients, ${messages} messages: ${lost} lost (${told} told, ${counted} counted), ${repeated} repeated,`,
    `${outOfOrder} out of order; silence ${Math.round(silenceMs)} ms,`,
    `recovered ${recoveredMs === undefined ? '-' : Math.round(recoveredMs)} ms, ${reconnects} reconnects,`,
    `${pongTimeouts} pong timeouts; without resume: ${bystanders.lost} lost, ${bystanders.wipedBlocks} blocks wiped;`,
    `${(tookMs / 1000).toFixed(1)} s${verdict.note === undefined ? '' : `; ${verdict.note}`}`,
  ].join(' ');
}

/** SIGINT or SIGTERM: what was started is ended before the suite is. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => reject(new Interrupted(`ended by ${signal}`)));
  });
  // Between two rows nobody waits for it.
  interrupted.catch(() => undefined);
  return interrupted;
}

/** @returns whether every row passed */
async function run(options: ChaosOptions): Promise<boolean> {
  const interrupted = interruption();
  const { seed, bug } = options;
  const flags = bug === undefined ? '' : ` --bug ${bug}`;
  console.log(`seed ${seed}`);
  const build = await BuildCopy.make(bug);
  const verdicts: RowVerdict[] = [];
  const failed: string[] = [];
  const notRun: string[] = [];
  try {
    for (const next of schedule(options)) {
      const { name } = next.row;
      const logs = join(tmpdir(), `flashcast-chaos-${name}-${next.seed}-${process.pid}`);
      const replay = `npm run test:chaos -- --seed ${next.seed} --row ${name}${flags}`;
      const startedAt = performance.now();
      const missing = await next.row.missing?.();
      if (missing !== undefined) {
        console.log(`NOT RUN ${name}: ${missing}`);
        notRun.push(name);
        continue;
      }
      try {
        const verdict = await runRow({ ...next, build: build.folder, logs, interrupted });
        verdicts.push(verdict);
        const passed = verdict.wrong.length === 0;
        console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}: ${summary(verdict, performance.now() - startedAt)}`);
        if (passed) continue;
        for (const sentence of verdict.wrong) console.log(`       ${sentence}`);
      } catch (error) {
        if (error instanceof Interrupted) throw error;
        console.log(`FAILED ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      }
      failed.push(name);
      console.log(`       logs: ${logs}\n       again: ${replay}`);
    }
  } finally {
    await build[Symbol.asyncDispose]();
  }
  if (options.report !== undefined) {
    const redis = process.env['FLASHCAST_TEST_REDIS_TEXT'] ?? 'Redis';
    await writeReport(options.report, verdicts, `Seed ${seed}, ${redis.split(' at ')[0]}, Node ${process.version}.`);
  }
  const done = verdicts.length + failed.filter((name) => !verdicts.some(({ row }) => row.name === name)).length;
  const named = (names: readonly string[]): string => (names.length > 0 ? `: ${names.join(', ')}` : '');
  console.log(`${done} rows run, ${failed.length} failed${named(failed)}`);
  if (notRun.length === 0) return failed.length === 0;
  console.log(`NOT RUN, ${notRun.length} rows${named(notRun)}`);
  // Where Docker is required, a row that is left out would hide something.
  return failed.length === 0 && process.env['FLASHCAST_REQUIRE_DOCKER'] !== '1';
}

/**
 * Runs the suite for a command line.
 *
 * @returns the exit status: 0 where every row passed, 1 where one did not, 2 where the command line is wrong
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    return (await run(readOptions(args, ROWS, Math.floor(Math.random() * MAX_SEED)))) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof Interrupted)) throw error;
    console.error(error instanceof UsageError ? `${error.message}\n${USAGE}` : error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}
