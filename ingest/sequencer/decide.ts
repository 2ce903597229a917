/**
 * The rules of upstream-and-stream for one message and one state: 1 (repeats), 2 (one payload per block), 3 (stale
 * positions, far jumps, restarts) and 5 (what is not a flashblock). Of rule 4 it tells that something is missing before a
 * message; to wait for it is the caller's part, as are take-overs, which need no message.
 */
import { comparePositions, type FlashblockHead, type Position } from '../../shared/flashblock.ts';
import type { UpstreamMessage } from '../message.ts';
import type { DropReason, SequencerOptions } from './contract.ts';
import { accept, type SequenceState } from './state.ts';
import { isEarly } from './successor.ts';

/** Farthest jump ahead that needs no silence before it, in blocks (rule 3). */
export const MAX_JUMP_BLOCKS = 64;

/** One that waited longer than this may have been published by another ingest and left its window (rule 5). */
const MAX_WAIT_MS = 1000;

export interface DecideContext {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** How long no flashblock was accepted, as seen by this ingest; 0 where that cannot be told because of a stall. */
  readonly quietMs: number;
  /** The message's upstream has shown that the chain runs on elsewhere, long enough ago (rule 3, "Restart"). */
  readonly newRunSeen: boolean;
  /** Another ingest may have published the message (rule 5). */
  readonly otherIngestSeen: boolean;
  /** Whether what is missing before the message is waited for. */
  readonly waits: boolean;
}

export type Verdict =
  | { readonly verdict: 'accept'; readonly state: SequenceState; readonly restart: boolean; readonly gap: boolean }
  /** Something is missing before it. */
  | { readonly verdict: 'early' }
  | { readonly verdict: 'drop'; readonly reason: DropReason };

const drop = (reason: DropReason): Verdict => ({ verdict: 'drop', reason });

/** Decides on a message. Pure: the same arguments give the same verdict. */
export function decide(
  state: SequenceState,
  message: UpstreamMessage,
  context: DecideContext,
  { dedupe, restartMs }: Pick<SequencerOptions, 'dedupe' | 'restartMs'>,
): Verdict {
  const take = (how?: 'restart' | 'gap'): Verdict => ({
    verdict: 'accept',
    state: accept(how === 'restart' ? forgetRun(state) : state, message, context.now),
    restart: how === 'restart',
    gap: how === 'gap',
  });
  if (dedupe === 'off') return take();
  if (state.recent.has(message, context.now)) return drop('duplicate');
  if (dedupe === 'content') return take();

  const { head } = message;
  if (head === undefined) return mayBeRepeat(message, context) ? drop('duplicate') : take();
  const { position: last } = state;
  if (last === undefined) return take();
  const refusal = refuse(head, last, state.payloadId, context.quietMs >= restartMs);
  if (refusal !== undefined) {
    const restarts = head.position.index === 0 && context.newRunSeen && context.quietMs >= restartMs;
    return restarts ? take('restart') : drop(refusal);
  }
  if (!isEarly(head, last)) return take();
  return context.waits ? { verdict: 'early' } : take('gap');
}

/** A new run has no block before it. */
function forgetRun({ unknown, recent, quietSince }: SequenceState): SequenceState {
  return { ...(unknown && { unknown }), recent, quietSince };
}

function mayBeRepeat({ readAt, afterStall }: UpstreamMessage, { now, otherIngestSeen }: DecideContext): boolean {
  return otherIngestSeen && (afterStall || now - readAt > MAX_WAIT_MS);
}

/** Why rules 2 and 3 refuse a flashblock; `undefined`: they do not. */
function refuse(
  { position, payloadId }: FlashblockHead,
  last: Position,
  winner: string | undefined,
  longQuiet: boolean,
): DropReason | undefined {
  if (position.blockNumber === last.blockNumber && payloadId !== winner) return 'conflict';
  if (comparePositions(position, last) <= 0) return 'stale';
  return position.blockNumber - last.blockNumber > MAX_JUMP_BLOCKS && !longQuiet ? 'stale' : undefined;
}
