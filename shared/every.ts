/**
 * Periodic work of a process, in as few wakes of it as can be: a wake of an idle process costs more than most of what it wakes for, and
 * the caches of the next message besides. All periods of {@link BEAT_MS} and more share one timer.
 */

/** Milliseconds between two turns of the shared timer: the shortest period that anything is looked at with for a deadline of a second. */
export const BEAT_MS = 100;

interface Periodic {
  readonly beats: number;
  readonly callback: () => void;
  beatsLeft: number;
}

const periodics = new Set<Periodic>();
let timer: NodeJS.Timeout | undefined;

function beat(): void {
  for (const periodic of [...periodics]) {
    periodic.beatsLeft -= 1;
    if (periodic.beatsLeft > 0 || !periodics.has(periodic)) continue;
    periodic.beatsLeft = periodic.beats;
    periodic.callback();
  }
}

/** Calls back every so many milliseconds until the returned function is called: {@link every}, or a clock of a test. */
export type Every = (ms: number, callback: () => void) => () => void;

/**
 * Calls back every so many milliseconds, for the first time after one period, which the turn of the timer that is under way may make
 * up to {@link BEAT_MS} shorter. Like an interval of Node's it keeps the process alive, and time in which the process stood still is one turn.
 *
 * @param ms a period of {@link BEAT_MS} and more is cut down to a multiple of it
 * @returns ends it; idempotent
 */
export function every(ms: number, callback: () => void): () => void {
  if (ms < BEAT_MS) {
    const own = setInterval(callback, ms);
    return () => clearInterval(own);
  }
  const beats = Math.floor(ms / BEAT_MS);
  const periodic: Periodic = { beats, callback, beatsLeft: beats };
  periodics.add(periodic);
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    periodics.delete(periodic);
    if (periodics.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
