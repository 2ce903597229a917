import { every } from '../../shared/every.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { Ring, RingEntry } from '../stream/contract.ts';
import { SLICE_MS } from './catch-ups.ts';
import type { Client } from './client.ts';
import type { ClientWriter } from './client-writer.ts';
import type { Filtering } from './filtering.ts';
import { type LagLimits, ripeBefore, slownessOf } from './limits.ts';

/** Blocked clients are looked at this often within CLIENT_SEND_TIMEOUT_MS, but at least each 200 and at most each 10 ms. */
const CHECKS_PER_TIMEOUT = 8;
const MIN_CHECK_MS = 10;
const MAX_CHECK_MS = 200;

export interface LagWatchDependencies {
  readonly ring: Ring;
  readonly writer: ClientWriter;
  readonly filtering: Pick<Filtering, 'wants' | 'known'>;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  readonly now: () => number;
}

/**
 * Ends clients that are too slow. One timer looks at the blocked ones; a client that is not blocked cannot be slow. What a
 * client's filter does not want neither counts nor makes it fall out of the ring: its cursor goes on over such messages.
 */
export class LagWatch {
  readonly #limits: LagLimits;
  readonly #deps: LagWatchDependencies;
  #end: (() => void) | undefined;
  /** What is left for looking at messages in the running check. */
  #lookMs = 0;
  #forgetStalls: (() => void) | undefined;

  constructor(limits: LagLimits, dependencies: LagWatchDependencies) {
    this.#limits = limits;
    this.#deps = dependencies;
  }

  start(): void {
    if (this.#end !== undefined) return;
    const wantedMs = Math.floor(this.#limits.clientSendTimeoutMs / CHECKS_PER_TIMEOUT);
    this.#end = every(Math.min(Math.max(wantedMs, MIN_CHECK_MS), MAX_CHECK_MS), () => this.check());
    this.#forgetStalls = this.#deps.stall.onStall(() => this.#forgiveStall());
  }

  /** Idempotent. */
  stop(): void {
    this.#end?.();
    this.#end = undefined;
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
    this.#lookMs = SLICE_MS;
    for (const client of writer.blocked) {
      if (!client.open) continue;
      writer.observe(client, now);
      const wants = (entry: RingEntry) => this.#wants(client, entry);
      this.#passOver(client, wants);
      // What nobody has looked at yet counts when it has been.
      const slowness = slownessOf(client, ring, ripe, now, this.#limits, (entry) => wants(entry) === true);
      if (slowness !== undefined) client.tooSlow(slowness);
    }
  }

  /** What waits for the slowest client: messages, and bytes held for it in the process. */
  slowest(): { messages: number; bytes: number } {
    const { writer } = this.#deps;
    let messages = 0;
    let bytes = 0;
    for (const client of writer.blocked) {
      messages = Math.max(messages, this.#waiting(client));
      bytes = Math.max(bytes, writer.waitingBytes(client));
    }
    return { messages, bytes };
  }

  /** Messages that wait for a client; those that its filter has not been asked about count. */
  #waiting(client: Client): number {
    const { ring, filtering } = this.#deps;
    const { filter, cursor } = client;
    const inFlight = client.inFlight === undefined ? 0 : 1;
    if (filter === undefined) return ring.head - cursor + inFlight;
    let messages = inFlight;
    for (let ordinal = Math.max(cursor, ring.tail); ordinal < ring.head; ordinal += 1) {
      const entry = ring.at(ordinal);
      if (entry !== undefined && filtering.known(entry, filter) !== false) messages += 1;
    }
    return messages;
  }

  /** @returns `undefined` where nobody has looked at the message yet, and there is no time left to do it in this check */
  #wants({ filter }: Client, entry: RingEntry): boolean | undefined {
    if (filter === undefined) return true;
    const { filtering, now } = this.#deps;
    const known = filtering.known(entry, filter);
    if (known !== undefined || this.#lookMs <= 0) return known;
    const startedAt = now();
    const wanted = filtering.wants(entry, filter);
    this.#lookMs -= now() - startedAt;
    return wanted;
  }

  /** Moves the cursor to the next message that the client wants, or that nobody has looked at yet. */
  #passOver(client: Client, wants: (entry: RingEntry) => boolean | undefined): void {
    const { ring } = this.#deps;
    for (let entry = ring.at(client.cursor); entry !== undefined; entry = ring.at(client.cursor)) {
      if (wants(entry) !== false) return;
      client.cursor += 1;
    }
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
