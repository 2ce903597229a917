/** CPU time and memory of processes, from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** Seconds of CPU, user and system, of all processes. */
  readonly cpuSeconds: number;
  /** Bytes of resident memory. */
  readonly rssBytes: number;
}

/** USER_HZ, in which /proc counts on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}

function usageOf(pid: number): ProcessUsage {
  // The command's name is in brackets and may hold anything; the fields behind it are numbers.
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks = NaN, systemTicks = NaN] = fields.slice(11, 13).map(Number);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  return { cpuSeconds: (userTicks + systemTicks) / TICKS_PER_SECOND, rssBytes: 1024 * kilobytes };
}

/**
 * What processes and their children have used.
 *
 * @returns `undefined` when one is gone, or where there is no /proc
 */
export function processUsage(pids: readonly number[]): ProcessUsage | undefined {
  const total = { cpuSeconds: 0, rssBytes: 0 };
  try {
    const pending = [...pids];
    for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
      const { cpuSeconds, rssBytes } = usageOf(pid);
      total.cpuSeconds += cpuSeconds;
      total.rssBytes += rssBytes;
      pending.push(...childrenOf(pid));
    }
  } catch {
    return undefined;
  }
  return total;
}
