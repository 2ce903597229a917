import type { BenchReport } from '../tools/bench/report.ts';
import { BASELINE, type Contestant } from './contestants.ts';
import type { LoadPlan } from './measure.ts';

/**
 * Half a minute: the code of both programs is compiled by then, and V8 has made its heap small again after the start, which it
 * does some 8 s after its first great collection and which costs as much as 2 us of each delivery to 1,000 clients in a short run.
 */
export const WARM_UP_MESSAGES = 150;

/** One line of the table: a number of each contestant, and what is to become of them. */
export interface Line {
  readonly what: string;
  readonly unit: string;
  /** Of one run; `undefined` where it was not measured. */
  readonly value: (report: BenchReport) => number | undefined;
  /**
   * `ratio`: the first contestant's value over the other's, at most or at least the goal. `difference`: minus the other's.
   * `value`: the first contestant's alone; of any other one it is told beside it.
   */
  readonly judged: 'ratio' | 'difference' | 'value';
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
}

/** One measurement, with one line or more of the table. */
export interface Row {
  readonly name: string;
  /** What is done, as the lines' title. */
  readonly title: string;
  /** The one that is judged, and the one that it is compared with. */
  readonly contestants: readonly [Contestant, Contestant?];
  readonly plan: LoadPlan;
  /** Where the contestants are loaded differently: what the second one differs in. */
  readonly otherPlan?: Partial<LoadPlan>;
  readonly lines: readonly Line[];
  /** Part of the smoke run. */
  readonly smoke?: boolean;
}

export const cpuPerDelivery = (report: BenchReport): number | undefined => report.server_cpu?.us_per_delivery;
export const pongP99 = (report: BenchReport): number | undefined => report.pong_ms?.p99;

/** Clients that did not get everything: refused, disconnected, or short of a message. */
export function failed(report: BenchReport): number {
  const sum = (reasons: Readonly<Record<string, number>>): number => Object.values(reasons).reduce((a, b) => a + b, 0);
  return sum(report.refused) + sum(report.disconnected) + report.lost + report.repeated;
}

export const against = (contestant: Contestant): readonly [Contestant, Contestant] => [contestant, BASELINE];
