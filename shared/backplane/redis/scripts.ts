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
import { StateError } from './errors.ts';
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

function stateAt(reply: unknown, index: number): StoredState | undefined {
  const now = Number(textAt(reply, index));
  const fields: unknown = Array.isArray(reply) ? reply[index + 1] : undefined;
  if (!Array.isArray(fields)) throw new StateError('a script gave an answer of another shape');
  return readState(fields.map(String), now);
}

/** The first item of append.lua's answer where the publish was refused. */
const REFUSALS: ReadonlySet<string> = new Set(['missing', 'expired', 'behind', 'moved'] satisfies RefusalReason[]);

const isRefusal = (result: string): result is RefusalReason => REFUSALS.has(result);

/** What append.lua's answer means. */
function readOutcome(reply: unknown): PublishOutcome {
  const result = textAt(reply, 0);
  if (isRefusal(result)) return { result: 'refused', reason: result, state: stateAt(reply, 1) };
  switch (result) {
    case 'published':
    case 'repeated':
      return {
        result: 'published',
        epoch: textAt(reply, 1),
        sequence: Number(textAt(reply, 2)),
        newEpoch: textAt(reply, 3) === '1',
        repeated: result === 'repeated',
      };
    case 'version':
      throw new StateError(`the state has the layout ${textAt(reply, 1)}`);
    default:
      throw new StateError('a script gave an unknown answer');
  }
}

/**
 * Runs append.lua, which tells everything about its arguments.
 *
 * @throws StateError when the stored state is of another layout
 */
export async function append(
  client: RedisClient,
  keys: StreamKeys,
  request: PublishRequest,
  { streamMaxBytes, streamMaxMessages, streamRetentionMs }: StreamBounds,
  publishCommand: 'PUBLISH' | 'SPUBLISH',
): Promise<PublishOutcome> {
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
  );
  return readOutcome(reply);
}

/** Runs read-state.lua. */
export async function fetchState(client: RedisClient, keys: StreamKeys): Promise<StoredState | undefined> {
  return stateAt(await client.eval(READ_STATE, 1, keys.state), 0);
}

export interface HistoryPage {
  readonly oldest: number | undefined;
  /** Number after which the next page begins; absent on the last one. */
  readonly next: number | undefined;
  readonly entries: readonly { readonly sequence: number; readonly envelope: Buffer }[];
}

/** Runs read-history.lua: at most `size` entries with a number above `after`, none older than `retentionMs`. */
export async function fetchHistoryPage(
  client: RedisClient,
  keys: StreamKeys,
  { after, size, retentionMs }: { readonly after: number; readonly size: number; readonly retentionMs: number },
): Promise<HistoryPage> {
  const reply = await client.callBuffer('eval', READ_HISTORY, 1, keys.history, after, size, retentionMs);
  if (!Array.isArray(reply) || !reply.every((item) => Buffer.isBuffer(item)))
    throw new StateError('a script gave an answer of another shape');
  const [oldest, next, ...items] = reply;
  const number = (text: Buffer | undefined) =>
    text === undefined || text.length === 0 ? undefined : Number(text.toString());
  const entries = [];
  for (let at = 0; at + 1 < items.length; at += 2) {
    const envelope = items[at + 1];
    if (envelope !== undefined) entries.push({ sequence: number(items[at]) ?? 0, envelope });
  }
  return { oldest: number(oldest), next: number(next), entries };
}
