/**
 * A row of the table in docs/reliability.md: a fault, and what clients may notice of it.
 *
 * The runner opens the row's world (see {@link WorldOptions}): builders of one chain, Redis, ingests, edges and base nodes, the
 * stream running and every node having received something. It calls `run`, which injects the fault, waits by the feed
 * (`world.feed.forMs`, which counts published messages) and undoes what must be undone for the stream to go on. After it the
 * runner publishes a little more, waits until every resuming node has the last message, and judges each of them against the
 * truth by the row's demands.
 *
 * - Every choice is drawn from `random`, so that the same seed does the same.
 * - `world.mark(what)` says that the fault is over; `recoveredMs` counts from each mark.
 * - What `run` opens goes through `world.use`, which ends it with the world. `run` never judges; it throws where the fault
 *   could not be injected.
 * - A row takes 20 s at most, or says that it is long, and is entered in rows/index.ts.
 */
import type { Random } from '../../tools/simulate/random.ts';
import type { World, WorldOptions } from './world.ts';

/** What every resuming client must see; nothing repeated, nothing out of order and nothing foreign goes without saying. */
export interface Demands {
  /** `counted`: what a client lost is what its edge counted (`flashcast_stream_gaps_total{outcome="lost"}`). */
  readonly lost: 'nothing' | 'counted';
  /** Longest silence, in milliseconds. */
  readonly silenceMs?: number;
  /** From each mark on. */
  readonly recoveredMs?: number;
  /** Nobody is closed and nobody leaves. */
  readonly nobodyClosed?: boolean;
}

export interface Row {
  /** For `--row`: words and hyphens. */
  readonly name: string;
  /** As the table says it. */
  readonly fault: string;
  readonly demands: Demands;
  readonly world?: WorldOptions;
  /** Takes more than 20 s: not drawn where seconds bound the run. */
  readonly long?: boolean;
  /** What is needed and is not there, in a sentence: the row is then not run, which is said. */
  missing?(): Promise<string | undefined>;
  run(world: World, random: Random): Promise<void>;
  /** Further demands, checked after the judge: gives what is wrong, in sentences. */
  check?(world: World): Promise<readonly string[]> | readonly string[];
  /** What else was measured, for the report. */
  note?(world: World): string;
}
