/**
 * Binds a backplane's source to the follower: carries its actions out, and hands it the time. A live message that is the
 * next one reaches `deliver` in the very call in which the source handed it over.
 */
import type { HistoryRead, StreamBounds, StreamHead, StreamSource } from '../../shared/backplane/backplane.ts';
import type { Every } from '../../shared/every.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Delivery } from './contract.ts';
import { Follower, type DeliverySource, type FollowerAction } from './follower.ts';
import { TimedCall } from './timed-call.ts';

/** How often the stored head is compared (redis: "An edge's subscription"). */
const HEAD_CHECK_MS = 1000;
/** A fifth of the head check, so that a head that stays ahead is acted on well within two seconds. */
const TICK_MS = 200;
/** Longer than a whole history of STREAM_MAX_BYTES takes over a link of 1 Gbit/s; the source's own limits are shorter. */
const CALL_LIMIT_MS = 5000;

/** What readiness is made of (configuration: "Readiness"). Times are of the monotonic clock that was handed in. */
export interface StreamReadiness {
  /** The ring was filled once. */
  readonly filled: boolean;
  readonly unavailableSince: number | undefined;
  /** Since when the stored head is ahead of this edge. */
  readonly behindSince: number | undefined;
  /** Version of the last message, where this release does not read it. */
  readonly unreadableVersion: number | undefined;
}

/** What the subscription tells about. */
export interface SubscriptionEvents {
  deliver(delivery: Delivery, source: DeliverySource): void;
  epochChanged(): void;
  /** The stored head, of that number, is in no history that can be read. */
  headMissing(sequence: number): void;
  /** The actions of one event are carried out. */
  carriedOut(): void;
  available(available: boolean): void;
  /** @param error `undefined`: no answer in time */
  callFailed(call: 'history' | 'head', error: unknown): void;
  callWorked(call: 'history' | 'head'): void;
  unknownVersion(version: number): void;
}

export interface SubscriptionDependencies {
  readonly source: StreamSource;
  readonly events: SubscriptionEvents;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly every: Every;
  readonly stall: Pick<StallDetector, 'check'> | undefined;
}

export class Subscription {
  readonly #deps: SubscriptionDependencies;
  readonly #follower: Follower;
  readonly #historyCall = new TimedCall<HistoryRead>(CALL_LIMIT_MS);
  readonly #headCall = new TimedCall<StreamHead | undefined>(CALL_LIMIT_MS);
  readonly #filledOnce: Promise<void>;
  #resolveFilled!: () => void;
  #timers: (() => void)[] = [];
  #state: 'new' | 'running' | 'stopped' = 'new';
  #unavailableSince: number | undefined;
  #unreadableVersion: number | undefined;

  constructor(bounds: StreamBounds, deps: SubscriptionDependencies) {
    this.#deps = deps;
    this.#follower = new Follower(bounds);
    this.#filledOnce = new Promise((resolve) => (this.#resolveFilled = resolve));
  }

  get readiness(): StreamReadiness {
    return {
      filled: this.#follower.filled,
      unavailableSince: this.#unavailableSince,
      behindSince: this.#follower.behindSince,
      unreadableVersion: this.#unreadableVersion,
    };
  }

  /** Resolves when the ring was filled once, or on {@link stop}. Rejects when the server is unfit. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error('a subscription starts once');
    this.#state = 'running';
    this.#unavailableSince = this.#deps.now();
    this.#timers = [
      this.#deps.every(TICK_MS, () => this.#tick()),
      this.#deps.every(HEAD_CHECK_MS, () => this.#checkHead()),
    ];
    try {
      await this.#deps.source.start({
        message: (envelope) => {
          this.#unreadableVersion = undefined;
          this.#run(this.#follower.live(envelope));
        },
        unknownVersion: (version) => {
          this.#unreadableVersion = version;
          this.#deps.events.unknownVersion(version);
        },
        available: (available) => this.#setAvailable(available),
      });
    } catch (error) {
      await this.stop();
      throw error;
    }
    await this.#filledOnce;
  }

  /** Idempotent; leaves no handle open. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const end of this.#timers.splice(0)) end();
    this.#historyCall.cancel();
    this.#headCall.cancel();
    this.#resolveFilled();
    await this.#deps.source.stop();
  }

  #setAvailable(available: boolean): void {
    if (this.#state !== 'running') return;
    if (available) this.#unavailableSince = undefined;
    else this.#unavailableSince ??= this.#deps.now();
    this.#deps.events.available(available);
    this.#run(this.#follower.available(available));
  }

  #tick(): void {
    const now = this.#deps.now();
    if (this.#deps.stall?.check() === true) {
      this.#follower.restartTime(now);
      this.#historyCall.restartTime(now);
      this.#headCall.restartTime(now);
      if (this.#unavailableSince !== undefined) this.#unavailableSince = now;
    }
    this.#historyCall.tick(now);
    this.#headCall.tick(now);
    this.#run(this.#follower.tick(now));
  }

  #checkHead(): void {
    if (this.#unavailableSince !== undefined || this.#headCall.underWay) return;
    this.#headCall.start(
      this.#deps.now(),
      () => this.#deps.source.head(),
      (head) => {
        this.#deps.events.callWorked('head');
        this.#run(this.#follower.headRead(head));
      },
      (error) => this.#deps.events.callFailed('head', error),
    );
  }

  #readHistory(afterSequence: number): void {
    this.#historyCall.start(
      this.#deps.now(),
      () => this.#deps.source.readAfter(afterSequence),
      (read) => {
        this.#deps.events.callWorked('history');
        const newest = read.envelopes.at(-1)?.sequence;
        // The version of an older one counts no more.
        if (newest !== undefined && newest === read.newestSequence) this.#unreadableVersion = undefined;
        this.#run(this.#follower.historyRead(read));
      },
      (error) => {
        this.#deps.events.callFailed('history', error);
        this.#run(this.#follower.historyFailed());
      },
    );
  }

  #run(actions: readonly FollowerAction[]): void {
    const { events } = this.#deps;
    for (const action of actions) {
      if (this.#state !== 'running') return;
      switch (action.action) {
        case 'deliver':
          events.deliver(action.delivery, action.source);
          break;
        case 'readHistory':
          this.#readHistory(action.afterSequence);
          break;
        case 'epochChanged':
          events.epochChanged();
          break;
        case 'headMissing':
          events.headMissing(action.sequence);
          break;
        default:
          action satisfies never;
      }
    }
    if (actions.length > 0) events.carriedOut();
    if (this.#follower.filled) this.#resolveFilled();
  }
}
