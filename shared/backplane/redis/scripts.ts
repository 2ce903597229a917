import {
  MAX_KNOWN_PUBLISHERS,
  MAX_PUBLISHES_IN_FLIGHT,
  MAX_RECENT_CONTENTS,
  PUBLISHER_FORGOTTEN_AFTER_MS,
  type PublishOutcome,
  type PublishRequest,
  type RefusalReason,
  type StoredState,
  type StreamBounds,
} from '../backplane.ts';
import { STAMP_LENGTH, STAMP_OFFSET, encodeEnvelope } from '../../envelope.ts';
import type { RedisClient } from './connect.ts';
import { StateError, UnreadableStateError } from './errors.ts';
import type { StreamKeys } from './keys.ts';
import { loadScript } from './load-script.ts';
import { formatDecided, formatRecent, publisherName, readState } from './state-codec.ts';

const APPEND = loadScript(new URL('./append.lua', import.meta.url));
const READ_STATE = loadScript(new URL('./read-state.lua', import.meta.url));
const READ_HISTORY = loadScript(new URL('./read-history.lua', import.meta.url));

function textAt(reply: unknown, index: number): string {
  const item: unknown = Array.isArray(reply) ? reply[index] : undefined;
  if (typeof item !== 'string') throw new StateError('a script gave an answer of another shape');
  return item;
}

/** What is stored as the state, as far as it can be read. */
export interface StateRead {
  /** `undefined`: nothing is stored, or nothing that can be read. */
  readonly state: StoredState | undefined;
  readonly unreadable?: UnreadableStateError;
}

function stateAt(reply: unknown, index: number): StateRead {
  const now = Number(textAt(reply, index));
  const fields: unknown = Array.isArray(reply) ? reply[index + 1] : undefined;
  if (!Array.isArray(fields)) throw new StateError('a script gave an answer of another shape');
  try {
    return { state: readState(fields.map(String), now) };
  } catch (error) {
    if (!(error instanceof UnreadableStateError)) throw error;
    return { state: undefined, unreadable: error };
  }
}

/** The key of a kind is broken; somebody has to repair it. */
function brokenKey(reply: unknown): StateError {
  return new StateError(`the key of the ${textAt(reply, 1)} is broken: ${textAt(reply, 2)}; delete it`);
}

/** The first item of append.lua's answer where the publish was refused. */
const REFUSALS: ReadonlySet<string> = new Set(['missing', 'expired', 'behind', 'moved'] satisfies RefusalReason[]);

const isRefusal = (result: string): result is RefusalReason => REFUSALS.has(result);

/** What append.lua answered, and the state that a refusal came with where it cannot be read. */
export interface AppendAnswer {
  readonly outcome: PublishOutcome;
  readonly unreadable?: UnreadableStateError;
}

function readAnswer(reply: unknown): AppendAnswer {
  const result = textAt(reply, 0);
  if (isRefusal(result)) {
    const { state, unreadable } = stateAt(reply, 1);
    // What the script takes for missing is missing, also where it would be read here.
    const known = result === 'missing' ? undefined : state;
    return { outcome: { result: 'refused', reason: result, state: known }, ...(unreadable && { unreadable }) };
  }
  switch (result) {
    case 'published':
    case 'repeated': {
      const outcome = {
        result: 'published',
        epoch: textAt(reply, 1),
        sequence: Number(textAt(reply, 2)),
        newEpoch: textAt(reply, 3) === '1',
        repeated: result === 'repeated',
      } as const;
      return { outcome };
    }
    case 'broken':
      throw brokenKey(reply);
    case 'version':
      throw new StateError(`the state has the layout ${textAt(reply, 1)}`);
    default:
      throw new StateError('a script gave an unknown answer');
  }
}

/** The command for a Redis, and for a Cluster. */
export type PublishCommand = 'PUBLISH' | 'SPUBLISH';

/**
 * Runs append.lua, which tells everything about its arguments.
 *
 * @param unreadable token of a stored state that this process could not read, so that it counts as missing
 * @throws StateError when the stored state is of another layout, or a key is broken
 */
export async function append(
  client: RedisClient,
  keys: StreamKeys,
  request: PublishRequest,
  { streamMaxBytes, streamMaxMessages, streamRetentionMs }: StreamBounds,
  publishCommand: PublishCommand,
  unreadable: string,
): Promise<AppendAnswer> {
  const { message, seed, publishId } = request;
  const unstamped = { epoch: '', sequence: 0, previousEpoch: '', previousSequence: 0 };
  const envelope = encodeEnvelope({
    ...message,
    ...unstamped,
    token: request.token,
    predecessor: request.expectedToken ?? '',
  });
  const reply = await client.eval(
    APPEND,
    3,
    keys.state,
    keys.history,
    keys.channel,
    publishCommand,
    publisherName(publishId),
    publishId.counter,
    request.expectedToken ?? '',
    request.token,
    formatDecided(request.decided),
    request.highestSequence,
    streamRetentionMs,
    streamMaxMessages,
    streamMaxBytes,
    message.contentHash,
    message.position === undefined ? 'o' : 'f',
    seed?.epoch ?? '',
    formatRecent(seed?.recent ?? []),
    seed?.previousEpoch ?? '',
    seed?.previousSequence ?? 0,
    MAX_RECENT_CONTENTS,
    MAX_PUBLISHES_IN_FLIGHT,
    MAX_KNOWN_PUBLISHERS,
    PUBLISHER_FORGOTTEN_AFTER_MS,
    envelope.subarray(0, STAMP_OFFSET),
    envelope.subarray(STAMP_OFFSET + STAMP_LENGTH),
    unreadable,
  );
  return readAnswer(reply);
}

/**
 * Runs read-state.lua.
 *
 * @throws StateError when the stored state is of another layout, or a key is broken
 */
export async function fetchState(
  client: RedisClient,
  keys: StreamKeys,
  publishCommand: PublishCommand,
): Promise<StateRead> {
  const reply = await client.eval(READ_STATE, 3, keys.state, keys.history, keys.channel, publishCommand);
  if (textAt(reply, 0) === 'broken') throw brokenKey(reply);
  return stateAt(reply, 1);
}

export interface HistoryPage {
  readonly oldest: number | undefined;
  /** ID after which the next page begins; absent on the last one. */
  readonly next: string | undefined;
  /** Number of the last entry, of whatever age and content; absent when there is none. */
  readonly last: number | undefined;
  readonly entries: readonly { readonly sequence: number; readonly envelope: Buffer }[];
}

/** Runs read-history.lua: at most `size` entries after the ID `after`, none older than `retentionMs`. */
export async function fetchHistoryPage(
  client: RedisClient,
  keys: StreamKeys,
  { after, size, retentionMs }: { readonly after: string; readonly size: number; readonly retentionMs: number },
): Promise<HistoryPage> {
  const reply = await client.callBuffer('eval', READ_HISTORY, 1, keys.history, after, size, retentionMs);
  if (!Array.isArray(reply) || !reply.every((item) => Buffer.isBuffer(item)))
    throw new StateError('a script gave an answer of another shape');
  const [oldest, next, last, ...items] = reply;
  if (oldest?.toString() === 'broken') throw brokenKey(reply.map(String));
  const number = (text: Buffer | undefined) =>
    text === undefined || text.length === 0 ? undefined : Number(text.toString());
  const entries = [];
  for (let at = 0; at + 1 < items.length; at += 2) {
    const envelope = items[at + 1];
    if (envelope !== undefined) entries.push({ sequence: number(items[at]) ?? 0, envelope });
  }
  const nextId = next?.toString() ?? '';
  return { oldest: number(oldest), next: nextId === '' ? undefined : nextId, last: number(last), entries };
}
