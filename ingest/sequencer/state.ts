import type { DecidedState, StoredState } from '../../shared/backplane/backplane.ts';
import type { Position } from '../../shared/flashblock.ts';
import type { UpstreamMessage } from '../message.ts';
import { RecentContents } from './recent-contents.ts';

/** What {@link decide} decides on. Immutable: every accepted message gives a new one. */
export interface SequenceState extends DecidedState {
  readonly recent: RecentContents;
  /**
   * Since when no flashblock was accepted as seen by this ingest: the time of the last accepted one, or when a state with
   * another position or payload was learnt (rules 2 and 3). Monotonic milliseconds.
   */
  readonly quietSince: number;
}

/** No position yet: the first flashblock is accepted wherever it stands. */
export const EMPTY_STATE: SequenceState = { recent: RecentContents.empty, quietSince: -Infinity };

/** The part that is stored with a publish. */
export function decidedOf({ position, payloadId, previousBlockEnd, unknown }: SequenceState): DecidedState {
  return {
    ...(position && { position }),
    ...(payloadId !== undefined && { payloadId }),
    ...(previousBlockEnd !== undefined && { previousBlockEnd }),
    ...(unknown && { unknown }),
  };
}

/** Where the block before `next`'s ended, as far as the stream shows it. */
function endBefore(next: Position, { position, previousBlockEnd }: SequenceState): number | undefined {
  if (position?.blockNumber === next.blockNumber) return previousBlockEnd;
  return position?.blockNumber === next.blockNumber - 1 ? position.index : undefined;
}

/** The state after a message went into the stream. */
export function accept(state: SequenceState, message: UpstreamMessage, now: number): SequenceState {
  const recent = state.recent.with(message, now);
  const { head } = message;
  if (head === undefined) return { ...state, recent };
  const previousBlockEnd = endBefore(head.position, state);
  return {
    position: head.position,
    payloadId: head.payloadId,
    ...(previousBlockEnd !== undefined && { previousBlockEnd }),
    ...(state.unknown && { unknown: state.unknown }),
    recent,
    quietSince: now,
  };
}

function sameEnd(a: DecidedState, b: DecidedState): boolean {
  return (
    a.position?.blockNumber === b.position?.blockNumber &&
    a.position?.index === b.position?.index &&
    a.payloadId === b.payloadId
  );
}

/**
 * The state to decide on after the stored one was learnt.
 *
 * With `'everything'` an ingest whose own position is older than the expired one, or that has none, starts from the
 * expired one: what clients may have received before it is not sent to them again, and a jump needs no further wait, as
 * the stream was silent for long.
 *
 * @param own the own memory without what did not go in
 * @param keepOwn see `Sequencer.adopt`
 */
export function adoptStored(
  own: SequenceState,
  stored: StoredState | undefined,
  keepOwn: 'nothing' | 'contents' | 'everything',
  now: number,
): SequenceState {
  if (stored === undefined) return own;
  const learnt = RecentContents.learnt(stored.recent, now);
  const storedAt = stored.flashblockAgeMs === undefined ? -Infinity : now - stored.flashblockAgeMs;
  if (keepOwn === 'everything' && own.position !== undefined && own.quietSince >= storedAt) {
    return { ...own, recent: learnt.mergedWith(own.recent) };
  }
  const quietSince = keepOwn === 'everything' ? Math.min(now, storedAt) : now;
  return {
    ...stored.decided,
    recent: keepOwn === 'nothing' ? learnt : learnt.mergedWith(own.recent),
    quietSince: sameEnd(own, stored.decided) ? own.quietSince : quietSince,
  };
}
