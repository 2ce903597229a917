import { StateError, UnreadableStateError } from './errors.ts';
import type { DecidedState, KnownPublisher, RecentContent, StoredState } from '../backplane.ts';
import { isRecord, parseJsonObject } from '../../codec/json-object.ts';

/** The layout of the state that this release reads and writes; `append.lua` describes it. */
const STATE_VERSION = '1';

const ID = /^[0-9a-f]{32}$/;
const NUMBER = /^\d{1,16}$/;
const PUBLISHER = /^publisher:(.*) ([^ ]*)$/s;
const PUBLISHES = /^(\d{13})(?: \d{16}:\d{16}:[0-9a-f]{32}:[01])*$/;
const NEWEST_PUBLISH = / \d{16}:(\d{16}):[0-9a-f]{32}:[01]$/;
const RECENT = /([0-9a-f]{32}):(\d{13}):([fo]) /g;

/** Milliseconds since a moment by Redis' clock; never negative, as a failover may set the clock back. */
function ageOf(at: number | string | undefined, now: number): number {
  return Math.max(0, now - Number(at));
}

function readRecent(text: string, now: number): RecentContent[] {
  return Array.from(text.matchAll(RECENT), ([, contentHash = '', at, kind]) => ({
    contentHash,
    ageMs: ageOf(at, now),
    flashblock: kind === 'f',
  }));
}

/** Contents as `append.lua` takes them from a seed. */
export function formatRecent(recent: readonly RecentContent[]): string {
  return recent
    .map(
      ({ contentHash, ageMs, flashblock }) =>
        `${contentHash}:${Math.max(0, Math.round(ageMs)).toFixed(0)}:${flashblock ? 'f' : 'o'} `,
    )
    .join('');
}

/** Name of an ingest's run within the state. `start` holds no space. */
export function publisherName({ ingestId, start }: { readonly ingestId: string; readonly start: string }): string {
  return `${ingestId} ${start}`;
}

function readPublishers(fields: ReadonlyMap<string, string>, now: number): KnownPublisher[] {
  const publishers: KnownPublisher[] = [];
  for (const [field, value] of fields) {
    const name = PUBLISHER.exec(field);
    const publishes = PUBLISHES.exec(value);
    if (name === null || publishes === null) continue;
    const lastSequence = Number(NEWEST_PUBLISH.exec(value)?.[1] ?? 0);
    publishers.push({ ingestId: name[1] ?? '', start: name[2] ?? '', lastSequence, ageMs: ageOf(publishes[1], now) });
  }
  return publishers;
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** What the ordering rules decided on, as JSON. Unknown fields stand beside the known ones. */
export function formatDecided({ unknown, ...known }: DecidedState): string {
  return JSON.stringify({ ...unknown, ...known });
}

/** @returns `undefined` where it is unreadable */
function readDecided(text: string): DecidedState | undefined {
  const decided = parseJsonObject(text);
  if (decided === undefined) return undefined;
  const { position, payloadId, previousBlockEnd, ...unknown } = decided;
  if (position !== undefined && !(isRecord(position) && isWhole(position['blockNumber']) && isWhole(position['index'])))
    return undefined;
  return {
    ...(position !== undefined && {
      position: { blockNumber: Number(position['blockNumber']), index: Number(position['index']) },
    }),
    ...(typeof payloadId === 'string' && { payloadId }),
    ...(isWhole(previousBlockEnd) && { previousBlockEnd }),
    ...(Object.keys(unknown).length > 0 && { unknown }),
  };
}

/** Whether a stored text is an epoch's id or a token. */
export function isId(text: string | null | undefined): text is string {
  return typeof text === 'string' && ID.test(text);
}

/** A number as it is stored, or `undefined` where it is none. */
export function readNumber(text: string | null | undefined): number | undefined {
  return typeof text === 'string' && NUMBER.test(text) && isWhole(Number(text)) ? Number(text) : undefined;
}

/**
 * Reads the state's hash.
 *
 * @param flat fields and values in turn, as HGETALL gives them
 * @param now milliseconds of Redis' clock when it was read
 * @returns `undefined` when there is no state
 * @throws StateError when a release with another layout wrote it
 * @throws UnreadableStateError when it is broken
 */
export function readState(flat: readonly string[], now: number): StoredState | undefined {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1] ?? '');
  if (fields.size === 0) return undefined;
  const version = fields.get('version');
  const layout = readNumber(version);
  if (layout !== undefined && version !== STATE_VERSION) throw new StateError(`the state has the layout ${layout}`);
  const epoch = fields.get('epoch');
  const token = fields.get('token');
  const sequence = readNumber(fields.get('sequence'));
  const acceptedAt = readNumber(fields.get('acceptedAt'));
  const flashblockAt = readNumber(fields.get('flashblockAt'));
  const decided = readDecided(fields.get('decided') ?? '');
  const unreadable = (what: string) => new UnreadableStateError(`the state's ${what} cannot be read`, token ?? '');
  if (layout === undefined) throw unreadable('version');
  if (!isId(epoch)) throw unreadable('epoch');
  if (!isId(token)) throw unreadable('token');
  if (sequence === undefined) throw unreadable('sequence');
  if (acceptedAt === undefined || (flashblockAt === undefined && fields.has('flashblockAt'))) throw unreadable('times');
  if (decided === undefined) throw unreadable('decision');
  return {
    epoch,
    sequence,
    token,
    decided,
    recent: readRecent(fields.get('recent') ?? '', now),
    acceptedAgeMs: ageOf(acceptedAt, now),
    ...(flashblockAt !== undefined && { flashblockAgeMs: ageOf(flashblockAt, now) }),
    publishers: readPublishers(fields, now),
  };
}
