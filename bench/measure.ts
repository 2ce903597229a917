import { Program } from '../test/support/program.ts';
import type { BenchReport } from '../tools/bench/report.ts';
import { startFeed, type Contestant, type Running, type Use } from './contestants.ts';

/** How a contestant is loaded. */
export interface LoadPlan {
  readonly clients: number;
  /** Milliseconds between two pings of a client; default none. */
  readonly pingMs?: number;
  /** Messages that are measured. */
  readonly messages: number;
  /** Messages to as many clients before, of which nothing is kept. */
  readonly warmUpMessages?: number;
  readonly intervalMs?: number;
  /** Connections begun per second; default as fast as the server answers. */
  readonly ramp?: number;
  readonly sources?: number;
  /** Ports of the builder; default 1. */
  readonly upstreams?: number;
}

/** Base's pace, as the goals are given for it. */
export const INTERVAL_MS = 200;
/** Beyond what the messages take: connecting, settling, stragglers. */
const PATIENCE_MS = 90_000;

/**
 * Runs what needs resources, and ends those: after it, or at an interruption, which makes it fail for the lack of them.
 *
 * @param interrupted from then on what is still opened is ended at once
 */
export async function withResources<Result>(
  interrupted: AbortSignal,
  run: (use: Use) => Promise<Result>,
): Promise<Result> {
  interrupted.throwIfAborted();
  const opened: AsyncDisposable[] = [];
  let ended = Promise.resolve();
  const end = (): Promise<void> =>
    (ended = ended.then(async () => {
      for (let resource = opened.pop(); resource !== undefined; resource = opened.pop())
        await resource[Symbol.asyncDispose]();
    }));
  const interrupt = (): void => void end();
  interrupted.addEventListener('abort', interrupt);
  try {
    return await run((resource) => {
      opened.push(resource);
      if (interrupted.aborted) interrupt();
      return resource;
    });
  } finally {
    interrupted.removeEventListener('abort', interrupt);
    await end();
  }
}

/** Loads a server by `flashcast bench`. Clients that were lost are in the report and end nothing. */
async function load({ url, pids }: Running, plan: LoadPlan, use: Use): Promise<BenchReport> {
  const { clients, pingMs, messages, intervalMs = INTERVAL_MS, ramp = 0, sources = 0 } = plan;
  const program = use(
    Program.start([
      ...['bench', url, '--json', '--clients', String(clients), '--ramp', String(ramp)],
      ...['--count', String(messages), '--duration', `${messages * intervalMs + PATIENCE_MS / 2}ms`],
      ...(pingMs === undefined ? [] : ['--ping', `${pingMs}ms`]),
      ...['--sources', String(sources), ...pids.flatMap((pid) => ['--pid', String(pid)])],
    ]),
  );
  const timer = setTimeout(() => program.signal('SIGKILL'), messages * intervalMs + PATIENCE_MS);
  try {
    await program.exit;
  } finally {
    clearTimeout(timer);
  }
  const [report] = program.log;
  if (report === undefined) throw new Error(`flashcast bench said nothing: ${program.stderr}`);
  return report as unknown as BenchReport;
}

/** One run of a contestant, from its start to its end. */
export function measure(contestant: Contestant, plan: LoadPlan, interrupted: AbortSignal): Promise<BenchReport> {
  return withResources(interrupted, async (use) => {
    const { intervalMs = INTERVAL_MS, upstreams = 1, warmUpMessages = 0 } = plan;
    const running = await contestant.start(await startFeed({ intervalMs, upstreams }, use), use);
    if (warmUpMessages > 0) await load(running, { ...plan, messages: warmUpMessages }, use);
    return load(running, plan, use);
  });
}
