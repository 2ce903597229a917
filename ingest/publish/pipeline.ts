/**
 * The way of a message through an ingest: from an upstream through the sequencer into the publish queue. It owns the
 * timer of the sequencer, reads the shared state before anything is decided, and hands refused publishes back to the
 * sequencer with the state that was found.
 */
import { randomBytes } from 'node:crypto';
import {
  BackplaneUnavailableError,
  type RefusalReason,
  type StoredState,
  type StreamPublisher,
} from '../../shared/backplane/backplane.ts';
import type { Position } from '../../shared/flashblock.ts';
import type { Logger } from '../../shared/log.ts';
import type { IngestMetrics } from '../../shared/metrics/ingest-metrics.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { UpstreamMessage } from '../message.ts';
import type { Decision, GapEnd, Sequencer, SequencerOptions } from '../sequencer/contract.ts';
import { FirstSeen } from './first-seen.ts';
import { LetGoContents } from './let-go.ts';
import { PublishQueue, type EncodedPayload, type PublishQueueOptions } from './publish-queue.ts';
import { StreamReport, type ArrivalListener } from './stream-report.ts';

export type PipelineOptions = Omit<PublishQueueOptions, 'start'> &
  Omit<SequencerOptions, 'start' | 'holds' | 'waitsToPublish' | 'onGapEnd'>;

export interface PipelineDependencies {
  readonly publisher: StreamPublisher;
  readonly createSequencer: (options: SequencerOptions) => Sequencer;
  readonly encode: (message: UpstreamMessage) => Promise<EncodedPayload>;
  /** See {@link SequencerOptions.holds}. */
  readonly holds: (upstream: number) => boolean;
  /** Names of the upstreams for metrics and log, by position: `host:port#position`, never their URIs. */
  readonly upstreamNames: readonly string[];
  /** Called when the backplane can be reached and its state was read, and when it can no longer be reached. */
  readonly onReady?: (ready: boolean) => void;
  readonly stall: Pick<StallDetector, 'onStall'>;
  readonly metrics: IngestMetrics;
  readonly log: Logger;
  readonly arrivals?: ArrivalListener;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Why a publish has to open a new epoch. */
type SeedReason = Exclude<RefusalReason, 'moved'>;

/** Waits this long before the shared state is asked for again when that failed while the backplane seems to be there. */
const READ_AGAIN_MS = 500;

/** A publish takes milliseconds; what is not in by then has another ingest, or goes with this one. */
const FLUSH_MS = 1000;

export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #deps: PipelineDependencies;
  readonly #now: () => number;
  readonly #sequencer: Sequencer;
  readonly #queue: PublishQueue;
  readonly #report: StreamReport;
  readonly #firstSeen = new FirstSeen();
  readonly #encoded = new WeakMap<UpstreamMessage, Promise<EncodedPayload>>();
  /** Messages whose first decision was counted. */
  readonly #counted = new WeakSet<UpstreamMessage>();
  readonly #letGo = new LetGoContents();
  /** What arrived before the shared state was read; `undefined` from then on. */
  #undecided: UpstreamMessage[] | undefined = [];
  #epoch = '';
  /** Why the stored state that was learnt last needs a new epoch. */
  #seedReason: SeedReason | undefined;
  #lastPosition: Position | undefined;
  #stopped = false;
  #ended: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readAgain: NodeJS.Timeout | undefined;
  #forgetStall: (() => void) | undefined;
  #onStateRead: (() => void) | undefined;

  constructor(options: PipelineOptions, deps: PipelineDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#report = new StreamReport({ ...deps, now: this.#now });
    const start = randomBytes(4).toString('hex');
    this.#queue = new PublishQueue(
      { ...options, start },
      {
        publisher: deps.publisher,
        encode: (message) => this.#encode(message),
        now: this.#now,
        events: {
          published: (decision, outcome, durationMs) => {
            if (outcome.newEpoch) this.#report.newEpoch(outcome.sequence, this.#seedReason);
            this.#epoch = outcome.epoch;
            this.#letGo.delete(decision.message);
            this.#report.published(decision, durationMs);
            if (this.#queue.length === 0) this.#report.drained();
          },
          refused: (state, undone) => this.#adopt(state, undone),
          dropped: (message, reason) => {
            this.#report.letGo(message, reason);
            this.#letGo.add(message);
          },
          failed: (publishes) => this.#report.publishesFailed(publishes),
        },
      },
    );
    this.#sequencer = deps.createSequencer({
      ...options,
      start,
      holds: deps.holds,
      waitsToPublish: (blockNumber) => this.#queue.waits(blockNumber),
      onGapEnd: (gap: GapEnd) => this.#report.gapEnded(gap),
    });
  }

  /** Position of the newest flashblock that this ingest decided on or learnt of, for upstream resume. */
  get lastPosition(): Position | undefined {
    return this.#lastPosition;
  }

  /** Messages that wait to be published. */
  get buffered(): number {
    return this.#queue.length + (this.#undecided?.length ?? 0);
  }

  /** Whether the shared state was read once. */
  get everReady(): boolean {
    return this.#undecided === undefined;
  }

  /** Resolves when the shared state was read, or after `limitMs`. */
  async stateRead(limitMs: number): Promise<void> {
    if (this.#undecided === undefined || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, limitMs);
      this.#onStateRead = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  /** Connects the publisher. Rejects when the server is unfit. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    this.#forgetStall = this.#deps.stall.onStall((now) => {
      this.#sequencer.resumeAfterStall(now);
      this.#schedule();
    });
    this.#deps.publisher.onAvailable((available) => this.#setAvailable(available));
    await this.#deps.publisher.start();
  }

  /** Takes a message from an upstream. */
  receive(message: UpstreamMessage): void {
    if (this.#stopped) return;
    this.#firstSeen.note(message);
    if (this.#undecided === undefined) this.#carryOut(this.#sequencer.receive(message, this.#now()));
    else this.#keepUndecided(this.#undecided, message);
  }

  /** Publishes what is decided, then stops. Idempotent; leaves no handle open. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await this.#queue.flushed(FLUSH_MS);
    clearTimeout(this.#timer);
    clearTimeout(this.#readAgain);
    this.#forgetStall?.();
    this.#onStateRead?.();
    this.#queue.stop();
    await this.#deps.publisher.stop();
  }

  #encode(message: UpstreamMessage): Promise<EncodedPayload> {
    let encoded = this.#encoded.get(message);
    if (encoded === undefined) {
      encoded = this.#deps.encode(message);
      this.#encoded.set(message, encoded);
    }
    return encoded;
  }

  #keepUndecided(undecided: UpstreamMessage[], message: UpstreamMessage): void {
    undecided.push(message);
    let bytes = undecided.reduce((sum, { content }) => sum + content.length, 0);
    while (
      undecided.length > 1 &&
      (undecided.length > this.#options.publishBufferMessages || bytes > this.#options.publishBufferBytes)
    ) {
      const oldest = undecided.shift();
      if (oldest === undefined) return;
      bytes -= oldest.content.length;
      this.#report.letGo(oldest, 'full');
    }
  }

  #setAvailable(available: boolean): void {
    if (this.#stopped) return;
    if (available && this.#undecided === undefined) this.#sequencer.backplaneReturned(this.#now());
    this.#queue.setAvailable(available);
    if (available && this.#undecided !== undefined) void this.#readState();
    else this.#deps.onReady?.(available);
    this.#schedule();
  }

  async #readState(): Promise<void> {
    clearTimeout(this.#readAgain);
    let state: StoredState | undefined;
    try {
      state = await this.#deps.publisher.readState();
    } catch (error) {
      if (!(error instanceof BackplaneUnavailableError)) throw error;
      clearTimeout(this.#readAgain);
      if (!this.#stopped) this.#readAgain = setTimeout(() => void this.#readState(), READ_AGAIN_MS);
      return;
    }
    if (this.#stopped || this.#undecided === undefined) return;
    const cutoff = this.#now() - this.#options.streamRetentionMs;
    const undecided = this.#undecided;
    this.#undecided = undefined;
    this.#adopt(state, []);
    for (const message of undecided) {
      if (message.readAt < cutoff) this.#report.letGo(message, 'old');
      else this.#carryOut(this.#sequencer.receive(message, this.#now()));
    }
    this.#onStateRead?.();
    this.#deps.onReady?.(true);
  }

  /** Makes the stored state the one that decisions are made on, and decides again what did not go in. */
  #adopt(state: StoredState | undefined, undone: readonly UpstreamMessage[]): void {
    const now = this.#now();
    const { highestSequence } = this.#queue;
    const reason = this.#needsEpoch(state);
    this.#seedReason = reason;
    if (state !== undefined && state.sequence >= highestSequence) this.#epoch = state.epoch;
    this.#report.learnt(state, this.#options.ingestId, this.#options.dedupe);
    if (reason === undefined) this.#lastPosition = state?.decided.position ?? this.#lastPosition;

    const keepOwn = reason === undefined ? 'nothing' : reason === 'behind' ? 'contents' : 'everything';
    const decisions = this.#sequencer.adopt(state, keepOwn, undone, now);
    const notIn = new Set(decisions.flatMap((made) => (made.action === 'publish' ? [made.message.contentHash] : [])));
    const seed =
      reason === undefined
        ? undefined
        : {
            epoch: randomBytes(16).toString('hex'),
            recent: this.#sequencer
              .recentContents(now)
              .filter(({ contentHash }) => !notIn.has(contentHash) && !this.#letGo.has(contentHash)),
            previousEpoch: this.#epoch,
            previousSequence: Math.max(state?.sequence ?? 0, highestSequence),
          };
    this.#queue.rebase(state?.token, state?.sequence ?? 0, seed);
    this.#carryOut(decisions);
  }

  /** Why a publish on this state has to open a new epoch; `undefined`: it does not. */
  #needsEpoch(state: StoredState | undefined): SeedReason | undefined {
    if (state === undefined) return 'missing';
    if (state.acceptedAgeMs > this.#options.streamRetentionMs) return 'expired';
    return state.sequence < this.#queue.highestSequence ? 'behind' : undefined;
  }

  #carryOut(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      const time = this.#counted.has(decision.message) ? 'again' : 'first';
      this.#counted.add(decision.message);
      if (decision.action === 'publish') {
        if (decision.message.head !== undefined) {
          this.#lastPosition = decision.message.head.position;
        }
        if (time === 'first') this.#report.won(decision.message);
        this.#queue.push(decision);
      } else {
        this.#report.notTaken(decision, this.#firstSeen.lagOf(decision.message), time);
      }
    }
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const at = this.#stopped ? undefined : this.#sequencer.deadline();
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => this.#carryOut(this.#sequencer.tick(this.#now())),
      Math.max(0, Math.ceil(at - this.#now())),
    );
  }
}
