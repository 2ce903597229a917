/** What of two seconds is worth a line. Pure. */
import type { FigureName, Incident, IncidentLane, IncidentLevel, PageCheck } from './contract.ts';

/** What incidents are seen in. */
export interface Observed {
  /** Unix milliseconds. */
  readonly at: number;
  readonly figures: Readonly<Partial<Record<FigureName, number>>>;
  /** Names of the upstreams, and whether each is connected. */
  readonly upstreams: ReadonlyMap<string, boolean>;
  readonly checks: readonly PageCheck[];
  /** Milliseconds since the newest message; `null` while none has come. */
  readonly newestAgeMs: number | null;
}

/** Something to tell. */
export interface Found extends Pick<Incident, 'level' | 'lane' | 'text'> {
  /** Where it is counted: by which figure, and what to say of another count. */
  readonly counted?: { readonly figure: FigureName; readonly count: number; readonly text: (count: number) => string };
}

interface CountRule {
  readonly figure: FigureName;
  readonly level: IncidentLevel;
  readonly lane: IncidentLane;
  readonly text: (count: number) => string;
}

const some = (count: number, one: string, many: string): string =>
  count === 1 ? `1 ${one}` : `${String(count)} ${many}`;

const rule = (
  figure: FigureName,
  level: IncidentLevel,
  lane: IncidentLane,
  one: string,
  many: string,
  rest: string,
): CountRule => ({ figure, level, lane, text: (count) => `${some(count, one, many)} ${rest}` });

const COUNT_RULES: readonly CountRule[] = [
  rule('lost', 'bad', 'stream', 'message', 'messages', 'of the stream lost'),
  rule('recovered', 'note', 'stream', 'message', 'messages', 'that the channel skipped recovered from the history'),
  rule('epochs', 'note', 'stream', 'new epoch', 'new epochs', 'of the stream'),
  rule('unreadable', 'bad', 'stream', 'message', 'messages', 'of a version that this release does not read'),
  rule('takeovers', 'note', 'stream', 'block', 'blocks', 'taken over by another payload'),
  rule('restarts', 'note', 'stream', 'restart', 'restarts', 'of the chain followed'),
  rule('dropped', 'bad', 'stream', 'message', 'messages', 'let go unpublished'),
  rule('gapsLost', 'bad', 'upstreams', 'gap', 'gaps', 'that no upstream filled'),
  rule('gapsRepaired', 'note', 'upstreams', 'gap', 'gaps', 'repaired by a message of another upstream or a late one'),
  rule('oversized', 'bad', 'upstreams', 'message', 'messages', 'above MAX_MESSAGE_BYTES dropped'),
  rule('slow', 'bad', 'clients', 'client', 'clients', 'closed for being too slow'),
  rule('unanswered', 'note', 'clients', 'client', 'clients', 'ended for not answering pings'),
  rule('refused', 'note', 'clients', 'connection', 'connections', 'refused'),
  rule('keyReloadFailures', 'bad', 'clients', 'reading', 'readings', 'of API_KEYS_FILE failed'),
  rule('tlsReloadFailures', 'bad', 'clients', 'reading', 'readings', 'of the certificate failed'),
];

/** Twice a builder's usual pause at most, and half of what UPSTREAM_STALE_MS bears by default. */
export const SILENT_MS = 5000;

function countsOf({ figures }: Observed): Found[] {
  return COUNT_RULES.flatMap(({ figure, level, lane, text }) => {
    const count = figures[figure] ?? 0;
    return count > 0 ? [{ level, lane, text: text(count), counted: { figure, count, text } }] : [];
  });
}

/** A condition that holds now and did not before, or the other way round. One that holds from the start is no news. */
function turned(
  now: boolean | undefined,
  before: boolean | undefined,
  trouble: Pick<Found, 'lane' | 'text'>,
  over: string,
): Found[] {
  if (now === undefined || now === before || (now && before === undefined)) return [];
  const { lane, text } = trouble;
  return now ? [{ level: 'good', lane, text: over }] : [{ level: 'bad', lane, text }];
}

function flag(observed: Observed | undefined, figure: FigureName, good: number): boolean | undefined {
  const value = observed?.figures[figure];
  return value === undefined ? undefined : value === good;
}

function changesOf(now: Observed, before: Observed | undefined): Found[] {
  return [
    ...turned(
      flag(now, 'redisUp', 1),
      flag(before, 'redisUp', 1),
      { lane: 'redis', text: 'Redis does not answer' },
      'Redis answers again',
    ),
    ...turned(
      flag(now, 'limitDegraded', 0),
      flag(before, 'limitDegraded', 0),
      { lane: 'redis', text: 'Limits are not shared: LIMIT_FAIL_MODE holds' },
      'Limits are shared again',
    ),
    ...[...now.upstreams].flatMap(([name, connected]) =>
      turned(
        connected,
        before?.upstreams.get(name),
        { lane: 'upstreams', text: `${name} is not connected` },
        `${name} is connected`,
      ),
    ),
    ...now.checks
      .filter(({ informative }) => informative !== true)
      .flatMap(({ name, ok, detail }) => {
        const earlier = before?.checks.find((check) => check.name === name)?.ok;
        // The end of the service is no trouble.
        if (name === 'accepting')
          return ok || earlier === false ? [] : [note('health', 'Draining: clients are closed evenly')];
        return turned(
          ok,
          earlier,
          { lane: 'health', text: `Check ${name} fails${detail === undefined ? '' : `: ${detail}`}` },
          `Check ${name} holds again`,
        );
      }),
    ...turned(
      isFlowing(now),
      before && isFlowing(before),
      { lane: 'stream', text: `No message for over ${String(SILENT_MS / 1000)} s` },
      'Messages come again',
    ),
  ];
}

function note(lane: IncidentLane, text: string): Found {
  return { level: 'note', lane, text };
}

function isFlowing({ newestAgeMs }: Observed): boolean | undefined {
  return newestAgeMs === null ? undefined : newestAgeMs < SILENT_MS;
}

/**
 * @param before the second before; without it only troubles are found: what was counted until then is history, and what is
 *   well from the start is no news
 */
export function findIncidents(now: Observed, before: Observed | undefined): Found[] {
  return [...(before === undefined ? [] : countsOf(now)), ...changesOf(now, before)];
}
