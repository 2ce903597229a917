import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Ring } from '../stream/contract.ts';
import type { ClientWriter } from './client-writer.ts';
import { type LagLimits, ripeBefore, slownessOf } from './limits.ts';

/** Blocked clients are looked at this often within CLIENT_SEND_TIMEOUT_MS, but at least each 250 and at most each 10 ms. */
const CHECKS_PER_TIMEOUT = 8;
const MIN_CHECK_MS = 10;
const MAX_CHECK_MS = 250;

export interface LagWatchDependencies {
  readonly ring: Ring;
  readonly writer: ClientWriter;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  readonly now: () => number;
}

/** Ends clients that are too slow. One timer looks at the blocked ones; a client that is not blocked cannot be slow. */
export class LagWatch {
  readonly #limits: LagLimits;
  readonly #deps: LagWatchDependencies;
  #timer: NodeJS.Timeout | undefined;
  #forgetStalls: (() => void) | undefined;

  constructor(limits: LagLimits, dependencies: LagWatchDependencies) {
    this.#limits = limits;
    this.#deps = dependencies;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    const wantedMs = Math.floor(this.#limits.clientSendTimeoutMs / CHECKS_PER_TIMEOUT);
    this.#timer = setInterval(
      () => {
        this.check();
      },
      Math.min(Math.max(wantedMs, MIN_CHECK_MS), MAX_CHECK_MS),
    );
    this.#forgetStalls = this.#deps.stall.onStall(() => this.#forgiveStall());
  }

  /** Idempotent. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#forgetStalls?.();
    this.#forgetStalls = undefined;
  }

  /** The timer calls it. */
  check(): void {
    const { ring, writer, stall } = this.#deps;
    if (writer.blocked.size === 0) return;
    if (stall.check()) {
      this.#forgiveStall();
      return;
    }
    const now = this.#deps.now();
    const ripe = ripeBefore(ring, now, this.#limits);
    for (const client of writer.blocked) {
      if (!client.open) continue;
      writer.observe(client, now);
      const slowness = slownessOf(client, ring, ripe, now, this.#limits);
      if (slowness !== undefined) client.tooSlow(slowness);
    }
  }

  /** What waits for the slowest client: messages, and bytes held for it in the process. */
  slowest(): { messages: number; bytes: number } {
    const { ring, writer } = this.#deps;
    let messages = 0;
    let bytes = 0;
    for (const client of writer.blocked) {
      messages = Math.max(messages, ring.head - client.cursor + (client.inFlight ? 1 : 0));
      bytes = Math.max(bytes, writer.waitingBytes(client));
    }
    return { messages, bytes };
  }

  /** Time in which this process stood still counts against no client. */
  #forgiveStall(): void {
    const now = this.#deps.now();
    for (const client of this.#deps.writer.blocked) {
      client.progressAt = now;
      client.catchingUp = true;
    }
  }
}
