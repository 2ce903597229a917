import type { Check } from '../../shared/operations/check.ts';
import type { Slot } from './slot.ts';

/** What the group's health is judged by. */
interface GroupState {
  readonly slots: readonly Slot[];
  readonly isStopping: boolean;
  readonly isComplete: boolean;
  now(): number;
}

/** Figures of an edge's status that are those of all workers together. */
const SUMMED = ['clients', 'filteredClients', 'pendingConnections', 'blockedClients'] as const;

/**
 * At first the group is ready when all workers are, as the first one would get all clients else. From then on it is while half of them
 * are: one that is replaced takes no edge out of the balancer, and what crashes workers everywhere must not take all edges
 * out at once; with fewer, the others could not carry its clients. Each worker's own checks only show.
 */
export function groupChecks(group: GroupState): Check[] {
  const now = group.now();
  const enough = group.isComplete ? Math.ceil(group.slots.length / 2) : group.slots.length;
  const ready = group.slots.filter((slot) => slot.isReady(now)).length;
  return [
    { name: 'accepting', ok: !group.isStopping, detail: group.isStopping ? 'draining' : 'accepting clients' },
    { name: 'workers', ok: ready >= enough, detail: `${ready} of ${group.slots.length} ready, ${enough} needed` },
    ...group.slots.flatMap((slot) => workerChecks(slot, now)),
  ];
}

/** One edge's figures over all workers, and each worker's own. */
export function groupStatus(group: GroupState): object {
  const now = group.now();
  const statuses = group.slots.map(({ report }) => report?.status ?? {});
  const ahead = [...statuses].sort((a, b) => progress(b) - progress(a))[0];
  const sum = (name: string): number => statuses.reduce((total, status) => total + numberOf(status[name]), 0);
  return {
    ...ahead,
    ...Object.fromEntries(SUMMED.map((name) => [name, sum(name)] as const)),
    draining: group.isStopping,
    workers: group.slots.map((slot) => ({
      worker: slot.number,
      pid: slot.process?.pid ?? null,
      state: slot.state(now),
      replacements: slot.replacements,
      ...slot.report?.status,
    })),
  };
}

function workerChecks(slot: Slot, now: number): Check[] {
  const name = `worker-${slot.number}`;
  const state = slot.state(now);
  return [
    { name, ok: state === 'serving', informative: true, detail: state },
    ...(slot.report?.checks ?? []).map((check) => ({
      ...check,
      name: `${name}-${check.name}`,
      informative: true as const,
    })),
  ];
}

function progress(status: Readonly<Record<string, unknown>>): number {
  return typeof status['lastSequence'] === 'number' ? status['lastSequence'] : -1;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
