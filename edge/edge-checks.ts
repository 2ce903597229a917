import type { Check } from '../shared/operations/check.ts';
import type { StreamReadiness } from './stream/subscription.ts';

/** What an edge's readiness is judged by. Times are of one monotonic clock, in milliseconds. */
export interface EdgeState {
  readonly readiness: StreamReadiness;
  readonly draining: boolean;
  /** `undefined` while nothing has come. */
  readonly lastMessageAt: number | undefined;
  readonly readyMaxAgeMs: number;
  readonly now: number;
}

/**
 * The checks of an edge (configuration: "Readiness"). A silent stream only shows: a builder's pause must not take every
 * edge out of the balancer at once. Pure.
 */
export function edgeChecks(state: EdgeState): Check[] {
  const { readiness, draining, lastMessageAt, readyMaxAgeMs, now } = state;
  const lasting = (name: string, since: number | undefined, good: string, bad: string): Check => {
    const lastedMs = since === undefined ? 0 : now - since;
    return {
      name,
      ok: lastedMs < readyMaxAgeMs,
      detail: since === undefined ? good : `${bad} for ${seconds(lastedMs)}`,
    };
  };
  return [
    { name: 'accepting', ok: !draining, detail: draining ? 'draining' : 'accepting clients' },
    { name: 'ring', ok: readiness.filled, detail: readiness.filled ? 'filled' : 'not filled yet' },
    lasting('backplane', readiness.unavailableSince, 'reachable', 'unreachable'),
    lasting('head', readiness.behindSince, 'up to date', 'behind'),
    {
      name: 'envelope-version',
      ok: readiness.unreadableVersion === undefined,
      detail:
        readiness.unreadableVersion === undefined
          ? 'readable'
          : `version ${readiness.unreadableVersion} is not read by this release`,
    },
    {
      name: 'stream',
      ok: lastMessageAt !== undefined && now - lastMessageAt < readyMaxAgeMs,
      informative: true,
      detail: lastMessageAt === undefined ? 'nothing yet' : `last message ${seconds(now - lastMessageAt)} ago`,
    },
  ];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
