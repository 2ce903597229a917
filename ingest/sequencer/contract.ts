/**
 * What the sequencer takes and gives. It turns messages of many upstreams into one clean sequence by the rules 1 to 5 of
 * upstream-and-stream ("From many upstreams to one stream"). It has no socket, no Redis and no clock: every call is handed
 * the time in milliseconds of a monotonic clock.
 */
import type { DecidedState, StoredState } from '../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../message.ts';

export type DropReason = 'duplicate' | 'stale' | 'conflict';

/** What becomes of one message. A held message has no decision yet. */
export type Decision =
  | {
      readonly action: 'publish';
      readonly message: UpstreamMessage;
      /** The state after it, for compare-and-append. */
      readonly decided: DecidedState;
      /** It starts a new run of positions (rule 3, "Restart"). */
      readonly restart: boolean;
      /** It is the first frame of a payload that takes a block over (rule 2). */
      readonly takeover: boolean;
      /** Positions were skipped before it and nobody delivered them in time (rule 4). */
      readonly gap: boolean;
    }
  | {
      readonly action: 'drop';
      readonly message: UpstreamMessage;
      readonly reason: DropReason;
      /** First conflict of its block: the one that is logged. */
      readonly firstOfBlock: boolean;
    };

/** A gap that ended: `repaired` by a message from this or another upstream while the early frame was held, else `lost`. */
export interface GapEnd {
  readonly upstream: number;
  readonly outcome: 'repaired' | 'lost';
}

export interface SequencerOptions {
  readonly dedupe: 'flashblocks' | 'content' | 'off';
  readonly takeoverMs: number;
  readonly restartMs: number;
  readonly gapRepairMs: number;
  readonly maxMessageBytes: number;
  readonly streamRetentionMs: number;
  /** Names this process among the state's publishers (rule 5). */
  readonly ingestId: string;
  /** Distinguishes this run of the process among the state's publishers. */
  readonly start: string;
  /** Whether an early frame is worth holding now: always in `ingest`, in `proxy` while another upstream is connected. */
  readonly holds: (upstream: number) => boolean;
  /** Whether a decided message of this block still waits to be published (rule 2: no take-over then). */
  readonly waitsToPublish: (blockNumber: number) => boolean;
  readonly onGapEnd: (gap: GapEnd) => void;
}

export interface Sequencer {
  /** Decides on a message; gives its decision and those of earlier ones that it releases, in stream order. */
  receive(message: UpstreamMessage, now: number): Decision[];
  /** Does what is due: releases held frames whose time is up, take-overs. Call at {@link deadline}. */
  tick(now: number): Decision[];
  /** The next moment at which {@link tick} has something to do; `undefined` when nothing is pending. */
  deadline(): number | undefined;
  /**
   * Adopts the stored state, because it was read at start or because a publish was refused, and decides again. What the
   * undone messages had changed in the own memory (position, payload, contents) is taken back first: with `keepOwn` the
   * own memory is that of the messages whose publishes went in.
   *
   * @param state `undefined`: nothing is stored, the own memory stays what decisions are made on
   * @param keepOwn the stored state is expired or missing (the own position stays), or is behind (`'contents'`: the stored
   *   position holds, with the own hashes added)
   * @param undone messages decided earlier whose publishes did not go in, in order; they are decided again, before what
   *   is held
   */
  adopt(
    state: StoredState | undefined,
    keepOwn: 'nothing' | 'contents' | 'everything',
    undone: readonly UpstreamMessage[],
    now: number,
  ): Decision[];
  /** The event loop stood still: every deadline and timer starts anew at `now`. Sockets were read before the call. */
  resumeAfterStall(now: number): void;
  /** The backplane came back: take-over and restart times start anew at `now`. */
  backplaneReturned(now: number): void;
  /** Newest last: what a new epoch is seeded with. */
  recentContents(now: number): StoredState['recent'];
}
