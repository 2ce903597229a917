import { performance } from 'node:perf_hooks';
import { BEAT_MS, every } from '../../shared/every.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';

export interface PingSettings {
  /** Each client is pinged this often. */
  readonly clientPingIntervalMs: number;
  /** A client that sent nothing for this long after a ping is ended. */
  readonly clientPongTimeoutMs: number;
}

/** What the wheel needs of a connection. */
export interface Pinged {
  /** When the oldest unanswered ping was written, in monotonic milliseconds; 0 when none is. Any frame sets it to 0. */
  pingedAt: number;
  /** @returns whether a ping was written; a blocked client gets none */
  ping(): boolean;
  /** The client did not answer in time. */
  pongOverdue(): void;
}

/** Spokes of the wheel: how finely the pings are spread over the interval and how exactly the timeout is kept. */
const MAX_SPOKES = 64;
/** A tick is at least this long, so that tiny intervals do not spin the loop; pings then come once per tick. */
const MIN_TICK_MS = 5;

/**
 * Pings all clients with one timer. Clients are spread over the spokes of a wheel; each tick pings one spoke, and ends the
 * overdue clients of the spoke whose pings are just as old as the timeout.
 */
export class PingWheel {
  readonly #timeoutMs: number;
  readonly #tickMs: number;
  readonly #spokes: Set<Pinged>[];
  /** How many spokes behind the pinged one the timeouts are checked. */
  readonly #lag: number;
  readonly #stall: Pick<StallDetector, 'check' | 'onStall'>;
  readonly #now: () => number;
  #position = 0;
  #nextSpoke = 0;
  #end: (() => void) | undefined;
  #forgetStalls: (() => void) | undefined;

  constructor(
    settings: PingSettings,
    stall: Pick<StallDetector, 'check' | 'onStall'>,
    now: () => number = () => performance.now(),
  ) {
    const wantedMs = Math.max(MIN_TICK_MS, Math.ceil(settings.clientPingIntervalMs / MAX_SPOKES));
    // Whole beats, which a longer period would be cut down to: the interval would be shorter than it is set.
    this.#tickMs = wantedMs < BEAT_MS ? wantedMs : Math.ceil(wantedMs / BEAT_MS) * BEAT_MS;
    const count = Math.max(1, Math.round(settings.clientPingIntervalMs / this.#tickMs));
    this.#spokes = Array.from({ length: count }, () => new Set<Pinged>());
    this.#timeoutMs = settings.clientPongTimeoutMs;
    this.#lag = Math.ceil(settings.clientPongTimeoutMs / this.#tickMs) % count;
    this.#stall = stall;
    this.#now = now;
  }

  start(): void {
    if (this.#end !== undefined) return;
    this.#end = every(this.#tickMs, () => this.tick());
    this.#forgetStalls = this.#stall.onStall((now) => this.#forgiveStall(now));
  }

  /** Idempotent. */
  stop(): void {
    this.#end?.();
    this.#end = undefined;
    this.#forgetStalls?.();
    this.#forgetStalls = undefined;
  }

  get tickMs(): number {
    return this.#tickMs;
  }

  get spokes(): number {
    return this.#spokes.length;
  }

  /** @returns the spoke that the client is on, to be handed to {@link remove} */
  add(client: Pinged): number {
    const spoke = this.#nextSpoke;
    this.#nextSpoke = (spoke + 1) % this.#spokes.length;
    this.#spokes[spoke]?.add(client);
    return spoke;
  }

  remove(client: Pinged, spoke: number): void {
    this.#spokes[spoke]?.delete(client);
  }

  /** One turn by one spoke. The timer calls it. */
  tick(): void {
    const count = this.#spokes.length;
    const now = this.#now();
    if (!this.#stall.check()) {
      for (const client of this.#spokes[(this.#position - this.#lag + count) % count] ?? []) {
        // A tick comes up to one tick early when the one before was late.
        if (client.pingedAt > 0 && now - client.pingedAt >= this.#timeoutMs - this.#tickMs / 2) client.pongOverdue();
      }
    }
    for (const client of this.#spokes[this.#position] ?? []) {
      if (client.ping() && client.pingedAt === 0) client.pingedAt = now;
    }
    this.#position = (this.#position + 1) % count;
  }

  /** Answers may have waited unread while the process stood still. */
  #forgiveStall(now: number): void {
    for (const spoke of this.#spokes) {
      for (const client of spoke) if (client.pingedAt > 0) client.pingedAt = now;
    }
  }
}
