import { performance } from 'node:perf_hooks';
import { ClosingLimit } from './closing-limit.ts';
import { type DrainSchedule, type DrainTimes, drainSchedule } from './drain-schedule.ts';

/** What a drain needs of the front. */
export interface Drained<C> {
  readonly clients: readonly C[];
  /** From now on new clients are refused. */
  refuse(): void;
  /** Sends Close 1001 to a client that is still there. */
  close(client: C): void;
  /** Ends what is left. */
  destroyAll(): void;
  /** Whether the stream stands at a block's end and every client has it. */
  atBlockEnd(): boolean;
  blockTimeMs(): number | undefined;
}

/** How often a drain looks at the time: fine against a block, and few clients are due at once. */
const TICK_MS = 20;

/**
 * Takes the clients out of an edge (client-protocol: "Drain"): accepts for DRAIN_DELAY_MS, then refuses new clients and closes
 * those that are there evenly until DRAIN_TIMEOUT_MS. Over when none is left after the delay, or at the timeout.
 */
export class Drain<C> {
  readonly #front: Drained<C>;
  readonly #times: DrainTimes;
  readonly #now: () => number;
  readonly #done: () => void;
  /** Resolves when the drain is over. */
  readonly over: Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #beganAt = 0;
  #schedule: DrainSchedule | undefined;
  #limit = new ClosingLimit(Infinity);
  #toClose: readonly C[] = [];
  #closed = 0;

  constructor(front: Drained<C>, times: DrainTimes, now: () => number = () => performance.now()) {
    this.#front = front;
    this.#times = times;
    this.#now = now;
    let done = (): void => undefined;
    this.over = new Promise((resolve) => (done = resolve));
    this.#done = done;
  }

  begin(): void {
    this.#beganAt = this.#now();
    this.#timer = setInterval(() => {
      this.tick();
    }, TICK_MS);
    this.tick();
  }

  /** Looks at the time and the stream. The timer calls it, the fan-out when a message has reached all, and the front when a client left. */
  tick(): void {
    if (this.#timer === undefined) return;
    const elapsedMs = this.#now() - this.#beganAt;
    if (elapsedMs >= this.#times.drainTimeoutMs) {
      this.#end();
      return;
    }
    if (elapsedMs < this.#times.drainDelayMs) return;
    this.#schedule ??= this.#beginClosing();
    const room = elapsedMs >= this.#schedule.lastMs ? Infinity : this.#limit.room(elapsedMs);
    const closed = Math.min(this.#schedule.closedBy(elapsedMs, this.#front.atBlockEnd()), this.#closed + room);
    const closing = this.#toClose.slice(this.#closed, closed);
    for (const client of closing) this.#front.close(client);
    this.#limit.closed(closing.length, elapsedMs);
    this.#closed += closing.length;
    if (this.#front.clients.length === 0) this.#end();
  }

  /** Ends the drain now. Idempotent. */
  end(): void {
    if (this.#timer !== undefined) this.#end();
  }

  #beginClosing(): DrainSchedule {
    this.#front.refuse();
    this.#toClose = [...this.#front.clients];
    const schedule = drainSchedule(this.#toClose.length, this.#times, this.#front.blockTimeMs());
    this.#limit = new ClosingLimit(schedule.perStretch);
    return schedule;
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#toClose = [];
    this.#front.refuse();
    this.#front.destroyAll();
    this.#done();
  }
}
