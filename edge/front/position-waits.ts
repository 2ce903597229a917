import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Client } from '../fanout/client.ts';
import type { Ring, RingEntry } from '../stream/contract.ts';
import { type ClientPosition, type Resume, compareToEntry } from '../stream/resume.ts';

/** Another edge is ahead by a moment only: what has not come by then does not come (client-protocol: "Resume and catch-up"). */
export const POSITION_WAIT_MS = 5000;

interface Wait {
  readonly wanted: ClientPosition;
  until: number;
}

export interface PositionWaitsDependencies<C> {
  readonly ring: Pick<Ring, 'head'>;
  readonly stall: Pick<StallDetector, 'onStall'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The wait is over: `complete` where the position was reached, else as `resume` says; the client goes on from its cursor. */
  readonly ended: (client: C, resume: Pick<Resume, 'outcome' | 'cursor'>) => void;
}

/**
 * Clients that received more than this edge has had. Each waits until the stream reaches its position, passes it or restarts,
 * at most {@link POSITION_WAIT_MS}; one timer serves all. Holds no client that is not connected, and so ends at their number.
 */
export class PositionWaits<C extends Client> {
  readonly #deps: PositionWaitsDependencies<C>;
  /** The longest first. */
  readonly #waits = new Map<C, Wait>();
  readonly #forgetStalls: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(dependencies: PositionWaitsDependencies<C>) {
    this.#deps = dependencies;
    this.#forgetStalls = dependencies.stall.onStall((now) => {
      for (const wait of this.#waits.values()) wait.until = now + POSITION_WAIT_MS;
    });
  }

  get size(): number {
    return this.#waits.size;
  }

  add(client: C, wanted: ClientPosition): void {
    this.#waits.set(client, { wanted, until: this.#deps.now() + POSITION_WAIT_MS });
    this.#schedule();
  }

  /** Idempotent. */
  remove(client: C): void {
    if (this.#waits.delete(client)) this.#schedule();
  }

  /**
   * The stream has gone on.
   *
   * @param restart whether the chain begins anew with this entry
   */
  entry(entry: RingEntry, restart: boolean): void {
    if (entry.envelope.position === undefined) return;
    for (const [client, { wanted }] of this.#waits) {
      const order = restart ? 'passed' : compareToEntry(wanted, entry);
      // What has no position and came since may stand behind the one that is waited for: it is sent when that is passed.
      if (order !== 'passed') client.cursor = entry.ordinal + 1;
      if (order !== 'before') this.#end(client, order === 'reached' ? 'complete' : 'live', client.cursor);
    }
    this.#schedule();
  }

  /** Looks for each client where it goes on: the ring has been filled with what is older. */
  review(resumeFor: (wanted: ClientPosition) => Resume): void {
    for (const [client, { wanted }] of this.#waits) {
      const { outcome, cursor, waitsFor } = resumeFor(wanted);
      if (waitsFor === undefined) this.#end(client, outcome, cursor);
      else client.cursor = cursor;
    }
    this.#schedule();
  }

  /** Lets those go on live whose time is up. The timer calls it. */
  expire(): void {
    const now = this.#deps.now();
    for (const [client, { until }] of this.#waits) {
      if (until > now) break;
      this.#end(client, 'live', this.#deps.ring.head);
    }
    this.#schedule();
  }

  /** Ends the timer; the clients are not touched. Idempotent. */
  stop(): void {
    this.#waits.clear();
    this.#schedule();
    this.#forgetStalls();
  }

  #end(client: C, outcome: Resume['outcome'], cursor: number): void {
    this.#waits.delete(client);
    this.#deps.ended(client, { outcome, cursor });
  }

  /** One timer, to the end of the longest wait; it looks again where that one has ended meanwhile. */
  #schedule(): void {
    const [first] = this.#waits.values();
    if (first === undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.expire();
      },
      Math.max(first.until - this.#deps.now(), 1),
    );
  }
}
