/**
 * Turns the messages of many upstreams into one clean sequence. `decide` holds the rules; around it stand what is held
 * for a missing message (rule 4), the frames of the payload that lost its block (rule 2), the watch for a chain that runs
 * on elsewhere (rule 3) and what is known of other ingests (rule 5).
 *
 * Decisions assume that every earlier publish goes in. Where one did not, `adopt` goes back to the state before it.
 */
import type { StoredState } from '../../shared/backplane/backplane.ts';
import type { UpstreamMessage } from '../message.ts';
import { BlockFrames } from './block-frames.ts';
import type { Decision, DropReason, GapEnd, Sequencer, SequencerOptions } from './contract.ts';
import { decide, type Verdict } from './decide.ts';
import { GapHold } from './gap-hold.ts';
import { OtherIngests } from './other-ingests.ts';
import { RestartWatch } from './restart-watch.ts';
import { accept, adoptStored, decidedOf, EMPTY_STATE, type SequenceState } from './state.ts';

/** A tick this long after it was due tells that the event loop stood still (upstream-and-stream, "Connection"). */
const STALL_MS = 1000;

/** A take-over that waits for a publish of the winner is looked at again after this long: a few round trips. */
const TAKEOVER_RETRY_MS = 20;

type Acceptance = Extract<Verdict, { verdict: 'accept' }> & { readonly takeover?: boolean };

class MessageSequencer implements Sequencer {
  readonly #options: SequencerOptions;
  readonly #hold: GapHold;
  readonly #frames: BlockFrames;
  readonly #restarts: RestartWatch;
  readonly #others: OtherIngests;
  #state: SequenceState = EMPTY_STATE;
  /** The state that each published message was decided on. */
  readonly #before = new WeakMap<UpstreamMessage, SequenceState>();
  /** Messages that may start a new run; decided again, they still may. */
  readonly #newRuns = new WeakSet<UpstreamMessage>();
  /** Quiet time counts from here on at the earliest: the end of the last stall, or the backplane's return. */
  #quietFrom = -Infinity;
  #takeoverNotBefore = -Infinity;
  /** The block whose first conflict was told. */
  #conflictBlock: number | undefined;
  /** Time of the last call. */
  #calledAt = -Infinity;

  constructor(options: SequencerOptions) {
    this.#options = options;
    this.#hold = new GapHold(options.maxMessageBytes);
    this.#frames = new BlockFrames(options.maxMessageBytes);
    this.#restarts = new RestartWatch(options.restartMs);
    this.#others = new OtherIngests(options);
  }

  receive(message: UpstreamMessage, now: number): Decision[] {
    this.#calledAt = now;
    const decisions: Decision[] = [];
    this.#take(message, now, decisions);
    return decisions;
  }

  tick(now: number): Decision[] {
    const due = this.deadline();
    if (due === undefined || now < due) return [];
    if (now - Math.max(due, this.#calledAt) > STALL_MS) {
      this.resumeAfterStall(now);
      return [];
    }
    this.#calledAt = now;
    const decisions: Decision[] = [];
    this.#release(now, decisions, true);
    this.#takeOver(now, decisions);
    return decisions;
  }

  deadline(): number | undefined {
    const heldSince = this.#hold.oldestSince;
    return heldSince === undefined ? this.#takeoverAt() : heldSince + this.#options.gapRepairMs;
  }

  adopt(
    state: StoredState | undefined,
    keepOwn: 'nothing' | 'contents' | 'everything',
    undone: readonly UpstreamMessage[],
    now: number,
  ): Decision[] {
    this.#calledAt = now;
    const own = (undone[0] && this.#before.get(undone[0])) ?? this.#state;
    this.#state = adoptStored(own, state, keepOwn, now);
    if (state !== undefined) this.#others.learn(state.publishers, now);
    const held = this.#hold.takeAll();

    const again: Decision[] = [];
    for (const message of this.#learnFrames()) this.#take(message, now, again);
    const decisions = again.filter(({ action }) => action === 'publish');
    for (const message of undone) this.#take(message, now, decisions);
    for (const message of held) this.#take(message, now, decisions);
    return decisions;
  }

  resumeAfterStall(now: number): void {
    this.#calledAt = now;
    this.#quietFrom = now;
    this.#hold.startAnew(now);
  }

  backplaneReturned(now: number): void {
    this.#calledAt = now;
    this.#quietFrom = now;
  }

  recentContents(now: number): StoredState['recent'] {
    return this.#state.recent.toStored(now);
  }

  /** The kept frames that the state's payload has after its position, when another payload was taken for the winner. */
  #learnFrames(): UpstreamMessage[] {
    const { position, payloadId } = this.#state;
    if (position !== undefined && payloadId !== undefined) return this.#frames.learnt(position, payloadId);
    this.#frames.clear();
    return [];
  }

  #take(message: UpstreamMessage, now: number, decisions: Decision[]): void {
    if (this.#hold.hasContent(message.contentHash)) {
      this.#drop(message, 'duplicate', now, decisions);
      return;
    }
    const verdict = this.#decide(message, now, true);
    if (verdict.verdict === 'drop') {
      this.#drop(message, verdict.reason, now, decisions);
    } else if (verdict.verdict === 'accept' && this.#hold.size === 0) {
      this.#publish(message, verdict, now, decisions);
    } else {
      this.#hold.add(message, now);
      this.#release(now, decisions, false);
      this.#hold.noteGap(message);
    }
  }

  /** Lets go of what nothing is missing before any more; `timed`: and of what has waited for long enough. */
  #release(now: number, decisions: Decision[], timed: boolean): void {
    const all = this.#hold.overfull;
    for (let message = this.#hold.next(); message !== undefined; message = this.#hold.next()) {
      const timeIsUp = timed && (this.#hold.oldestSince ?? Infinity) + this.#options.gapRepairMs <= now;
      const verdict = this.#decide(message, now, !all && !timeIsUp);
      if (verdict.verdict === 'early') return;
      this.#hold.remove(message);
      if (verdict.verdict === 'drop') this.#drop(message, verdict.reason, now, decisions);
      else this.#publish(message, verdict, now, decisions);
    }
  }

  #decide(message: UpstreamMessage, now: number, waits: boolean): Verdict {
    const { head, upstream } = message;
    return decide(
      this.#state,
      message,
      {
        now,
        quietMs: message.afterStall ? 0 : now - this.#quietSince(),
        newRunSeen:
          head?.position.index === 0 &&
          (this.#newRuns.has(message) || this.#restarts.allows(upstream, head.position.blockNumber, now)),
        otherIngestSeen: this.#others.mayHavePublished(message),
        waits: waits && this.#options.holds(upstream),
      },
      this.#options,
    );
  }

  #quietSince(): number {
    return Math.max(this.#state.quietSince, this.#quietFrom);
  }

  #publish(message: UpstreamMessage, verdict: Acceptance, now: number, decisions: Decision[]): void {
    const { restart, gap, takeover = false } = verdict;
    this.#before.set(message, this.#state);
    this.#state = verdict.state;
    this.#others.decided();
    if (restart) {
      this.#newRuns.add(message);
      this.#frames.clear();
    }
    if (message.head !== undefined) {
      this.#frames.accepted(message.head, message);
      this.#restarts.follows(message.upstream);
    }
    this.#tellGap(message, gap ? 'lost' : 'repaired', now);
    decisions.push({ action: 'publish', message, decided: decidedOf(this.#state), restart, takeover, gap });
    if (!restart) return;
    for (const held of this.#hold.takeFlashblocks()) this.#drop(held, 'stale', now, decisions);
  }

  #drop(message: UpstreamMessage, reason: DropReason, now: number, decisions: Decision[]): void {
    const { head, upstream } = message;
    let firstOfBlock = false;
    if (head !== undefined && reason === 'conflict') {
      firstOfBlock = this.#conflictBlock !== head.position.blockNumber;
      this.#conflictBlock = head.position.blockNumber;
      this.#frames.conflicted(head, message);
    } else if (head !== undefined && reason === 'duplicate') {
      this.#restarts.follows(upstream);
    } else if (head?.position.index === 0) {
      this.#restarts.refused(upstream, head.position.blockNumber, now);
    }
    if (this.#hold.recordOf(message)?.opensGap === true) {
      this.#tellGap(message, reason === 'duplicate' ? 'repaired' : 'lost', now);
    }
    decisions.push({ action: 'drop', message, reason, firstOfBlock });
  }

  /** Tells the end of a gap before a message, once; a message that none was before is passed over. */
  #tellGap(message: UpstreamMessage, outcome: GapEnd['outcome'], now: number): void {
    const record = outcome === 'lost' ? this.#hold.record(message, now) : this.#hold.recordOf(message);
    if (record === undefined || record.told || (outcome === 'repaired' && !record.opensGap)) return;
    record.told = true;
    this.#options.onGapEnd({ upstream: message.upstream, outcome });
  }

  /** When the kept payload may take the block over (rule 2); `undefined`: not as things stand. */
  #takeoverAt(): number | undefined {
    const { position, previousBlockEnd, recent } = this.#state;
    const { rival } = this.#frames;
    if (this.#options.dedupe !== 'flashblocks') return undefined;
    if (position === undefined || previousBlockEnd === undefined || position.index >= previousBlockEnd)
      return undefined;
    if (rival?.whole !== true) return undefined;
    // Frames that were in the stream before would be repeats: a payload that lost its block does not win it back.
    if (rival.after(-1).some((frame) => recent.has(frame, this.#calledAt))) return undefined;
    return Math.max(this.#quietSince() + this.#options.takeoverMs, this.#takeoverNotBefore);
  }

  #takeOver(now: number, decisions: Decision[]): void {
    const at = this.#takeoverAt();
    const { position } = this.#state;
    if (at === undefined || now < at || position === undefined) return;
    if (this.#options.waitsToPublish(position.blockNumber)) {
      this.#takeoverNotBefore = now + TAKEOVER_RETRY_MS;
      return;
    }
    const frames = this.#frames.rival?.after(-1) ?? [];
    for (const [place, frame] of frames.entries()) {
      const state = accept(this.#state, frame, now);
      this.#publish(
        frame,
        { verdict: 'accept', state, restart: false, gap: false, takeover: place === 0 },
        now,
        decisions,
      );
    }
  }
}

/** Creates a sequencer with an empty memory; `adopt` gives it the stored state. */
export function createSequencer(options: SequencerOptions): Sequencer {
  return new MessageSequencer(options);
}
