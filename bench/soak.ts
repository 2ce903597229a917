/** Clients that stay and clients that come and go, for a long time: does the process grow? */
import { Program } from '../test/support/program.ts';
import { processUsage } from '../tools/bench/process-usage.ts';
import type { BenchReport } from '../tools/bench/report.ts';
import { PROXY, startFeed } from './contestants.ts';
import { INTERVAL_MS, withResources } from './measure.ts';
import { failed } from './row.ts';
import { slopeOf } from './slope.ts';

const CLIENTS = { stay: 1900, comeAndGo: 100 };
const SAMPLE_MS = 5000;
/** How long those that come and go stay: with connecting and leaving it makes 10 s. */
const STAY_MS = 8500;
const MINUTE_MS = 60_000;
/** The heap finds its size in this part of the time. */
const LEFT_OUT = 1 / 3;

const benchOf = (url: string, clients: number, durationMs: number): readonly string[] => [
  ...['bench', url, '--json', '--clients', String(clients), '--ramp', '1000', '--ping', '500ms'],
  ...['--duration', `${durationMs}ms`],
];

/** The least of each whole minute: memory that is in use goes up and down between collections, its floor does not. */
function minuteFloors(samples: readonly { readonly atMs: number; readonly bytes: number }[], fromMs: number): number[] {
  const floors = new Map<number, number>();
  for (const { atMs, bytes } of samples) {
    const minute = Math.floor((atMs - fromMs) / MINUTE_MS);
    if (minute >= 0) floors.set(minute, Math.min(floors.get(minute) ?? Infinity, bytes));
  }
  return [...floors.values()];
}

/** Soaks a proxy. */
export function soak(
  durationMs: number,
  interrupted: AbortSignal,
): Promise<{ readonly text: string; readonly met: boolean }> {
  return withResources(interrupted, async (use) => {
    const upstreams = await startFeed({ intervalMs: INTERVAL_MS, upstreams: 1 }, use);
    const { url, pids } = await PROXY.start(upstreams, use);
    const startedAt = performance.now();
    const samples: { readonly atMs: number; readonly bytes: number }[] = [];
    const sampling = setInterval(() => {
      const bytes = processUsage(pids)?.rssBytes;
      if (bytes !== undefined) samples.push({ atMs: performance.now() - startedAt, bytes });
    }, SAMPLE_MS);
    const reports: BenchReport[] = [];
    try {
      const steady = use(Program.start(benchOf(url, CLIENTS.stay, durationMs)));
      while (!steady.ended) {
        reports.push(
          await withResources(interrupted, async (useOnce) => {
            const guests = useOnce(Program.start(benchOf(url, CLIENTS.comeAndGo, STAY_MS)));
            await guests.exit;
            return JSON.parse(guests.stdout) as BenchReport;
          }),
        );
      }
      reports.push(JSON.parse(steady.stdout) as BenchReport);
    } finally {
      clearInterval(sampling);
    }
    const { perStep, uncertainty } = slopeOf(minuteFloors(samples, durationMs * LEFT_OUT));
    const lost = reports.reduce((sum, report) => sum + failed(report), 0);
    const perHour = (bytes: number): string => ((60 * bytes) / 2 ** 20).toFixed(1);
    const met = lost === 0 && perStep <= uncertainty;
    return {
      met,
      text: [
        `${reports.length - 1} x ${CLIENTS.comeAndGo} clients came and went beside ${CLIENTS.stay}, ${lost} clients or messages lost`,
        `memory grows by ${perHour(perStep)} MB an hour, give or take ${perHour(uncertainty)}: ${met ? 'met' : 'missed'}`,
      ].join('\n'),
    };
  });
}
