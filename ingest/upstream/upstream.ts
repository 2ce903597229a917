/**
 * One upstream: it keeps a connection to it, whatever happens, and hands its messages on in their order.
 *
 * Usually there is one connection, dialled, open, or waited for in a back-off. An upstream that is connected and silent is
 * dialled a second time beside the first; the second takes the first one's place when it opens, and the first is then
 * closed, what it still delivers being passed on.
 */
import { contentHashOf } from '../../shared/envelope.ts';
import type { Position } from '../../shared/flashblock.ts';
import type { Logger } from '../../shared/log.ts';
import type { StallDetector } from '../../shared/stall-detector.ts';
import type { UpstreamMessage } from '../message.ts';
import { parseUpstreamAddress, type UpstreamAddress } from './address.ts';
import { Backoff } from './backoff.ts';
import { createSystemClock, type Clock } from './clock.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { Deadline } from './deadline.ts';
import { decodeFrame } from './decode.ts';
import type { ConnectionEnd } from './failure.ts';
import { KnownHeads } from './known-heads.ts';
import { UpstreamObserver, type UpstreamMetrics } from './observer.ts';

export interface UpstreamOptions extends ConnectionOptions {
  /** Longest back-off in milliseconds. */
  readonly subscriberMaxIntervalMs: number;
  /** A connected upstream without a message for this many milliseconds is dialled again. */
  readonly upstreamStaleMs: number;
  /** Whether to ask for what was missed. */
  readonly upstreamResume: boolean;
}

export interface UpstreamDependencies {
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>;
  readonly metrics: UpstreamMetrics;
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  /** Called in the order in which the upstream sent. */
  readonly onMessage: (message: UpstreamMessage) => void;
  readonly onStateChange?: (connected: boolean) => void;
  /** The last accepted position where it is worth resuming from, asked at each dial. */
  readonly lastPosition?: () => Position | undefined;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly clock?: Clock;
  /** Shared by upstreams that deliver the same messages. */
  readonly heads?: KnownHeads;
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string;
}

/** The longest time between two dials of a silent upstream (upstream-and-stream, "Connection"). */
const MAX_STALE_MS = 300_000;
/** Answers by which an upstream may mean that it does not take resume parameters. */
const RESUME_REFUSALS: readonly (number | undefined)[] = [400, 404, 414];

/** A dial and what it was for. */
interface Dial {
  readonly connection: Connection;
  /** It asked for what was missed after this. */
  readonly after: Position | undefined;
  /** It repeats one that was refused with resume parameters. */
  readonly repeated: boolean;
}

export class Upstream {
  /** `host:port#position in the list`. */
  readonly name: string;
  readonly #position: number;
  readonly #address: UpstreamAddress;
  readonly #options: UpstreamOptions;
  readonly #deps: UpstreamDependencies;
  readonly #clock: Clock;
  readonly #heads: KnownHeads;
  readonly #observer: UpstreamObserver;
  readonly #backoff: Backoff;
  readonly #stale: Deadline;
  #staleMs: number;
  #main: Dial | undefined;
  /** Dialled beside `main`, which is open and silent; not open yet. */
  #second: Dial | undefined;
  /** Closing after its place was taken. */
  #retired: Connection | undefined;
  #cancelRetry: (() => void) | undefined;
  #takesResume = true;
  #connected = false;
  #lastMessageAt: number | undefined;
  #state: 'created' | 'started' | 'stopped' = 'created';
  #cleanups: (() => void)[] = [];

  /**
   * @param uri of UPSTREAM_WS, secrets included
   * @param position in that list, from 0
   * @throws UpstreamAddressError
   */
  constructor(uri: string, position: number, options: UpstreamOptions, deps: UpstreamDependencies) {
    this.#address = parseUpstreamAddress(uri, position);
    this.name = this.#address.name;
    this.#position = position;
    this.#options = options;
    this.#deps = deps;
    this.#clock = deps.clock ?? createSystemClock();
    this.#heads = deps.heads ?? new KnownHeads();
    this.#observer = new UpstreamObserver(this.name, deps.metrics, deps.log);
    this.#backoff = new Backoff(options.subscriberMaxIntervalMs, deps.random ?? Math.random);
    this.#stale = new Deadline(this.#clock, deps.stall, () => {
      this.#dialSecond();
    });
    this.#staleMs = options.upstreamStaleMs;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Monotonic milliseconds; `undefined` before the first message. */
  get lastMessageAt(): number | undefined {
    return this.#lastMessageAt;
  }

  /** Dials. Returns at once. */
  start(): void {
    if (this.#state !== 'created') return;
    this.#state = 'started';
    const startedAt = this.#clock.now();
    this.#cleanups = [
      this.#observer.watchAge(() => this.#clock.now() - (this.#lastMessageAt ?? startedAt)),
      this.#deps.stall.onStall(() => {
        this.#stale.restart();
        this.#main?.connection.restartDeadlines();
        this.#second?.connection.restartDeadlines();
      }),
    ];
    this.#main = this.#dial('resume');
  }

  /** Idempotent; no message comes after the call. Resolves when the sockets are gone. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#stale.clear();
    this.#cancelRetry?.();
    this.#setConnected(false);
    const connections = [this.#main?.connection, this.#second?.connection, this.#retired];
    await Promise.all(connections.map(async (connection) => connection?.destroy()));
  }

  #dial(how: 'resume' | 'repeat'): Dial {
    const wanted = how === 'resume' && this.#options.upstreamResume && this.#takesResume && this.#address.resumable;
    const after = wanted ? this.#deps.lastPosition?.() : undefined;
    const connection: Connection = new Connection(
      { url: this.#address.url(after), headers: this.#address.headers, ...(this.#deps.ca && { ca: this.#deps.ca }) },
      this.#options,
      {
        clock: this.#clock,
        stall: this.#deps.stall,
        listener: {
          opened: () => {
            this.#opened(connection);
          },
          message: (data, isBinary) => {
            this.#message(data, isBinary);
          },
          proved: () => {
            if (connection === this.#main?.connection) this.#backoff.reset();
          },
          ping: (outcome) => this.#observer.ping(outcome),
          ended: (end) => {
            this.#ended(connection, end);
          },
        },
      },
    );
    this.#observer.dialled();
    return { connection, after, repeated: how === 'repeat' };
  }

  #opened(connection: Connection): void {
    const dial = connection === this.#second?.connection ? this.#second : this.#main;
    if (dial?.repeated) this.#takesResume = false;
    if (dial === this.#second) {
      this.#takeOver();
      return;
    }
    this.#staleMs = this.#options.upstreamStaleMs;
    this.#stale.set(this.#staleMs);
    this.#observer.connected(dial?.after);
    this.#setConnected(true);
  }

  /** The second connection is open: it takes the place of the first, which is closed only now. */
  #takeOver(): void {
    const old = this.#main?.connection;
    this.#main = this.#second;
    this.#second = undefined;
    void this.#retired?.destroy();
    this.#retired = old;
    old?.close();
    this.#observer.redialled();
    this.#setNextStale();
  }

  #message(data: Buffer, isBinary: boolean): void {
    const readAt = this.#clock.now();
    const receivedAtMs = this.#clock.unixNow();
    const afterStall = this.#deps.stall.check();
    this.#lastMessageAt = readAt;
    this.#notStale();
    const frame = decodeFrame(data, isBinary, this.#options.maxMessageBytes);
    this.#observer.message(data.length, frame.kind);
    if (frame.kind === 'oversized') return;
    const { kind, content } = frame;
    const contentHash = contentHashOf(content);
    const head = kind === 'json' ? this.#heads.read(content, contentHash) : undefined;
    if (head !== undefined) this.#observer.flashblock(head);
    this.#deps.onMessage({
      upstream: this.#position,
      readAt,
      receivedAtMs,
      afterStall,
      kind,
      content,
      contentHash,
      ...(head && { head }),
    });
  }

  #notStale(): void {
    if (this.#second !== undefined) {
      void this.#second.connection.destroy();
      this.#second = undefined;
    }
    this.#staleMs = this.#options.upstreamStaleMs;
    if (this.#connected) this.#stale.set(this.#staleMs);
  }

  #dialSecond(): void {
    if (this.#connected && this.#second === undefined) this.#second = this.#dial('resume');
  }

  #setNextStale(): void {
    this.#staleMs = Math.max(this.#options.upstreamStaleMs, Math.min(this.#staleMs * 2, MAX_STALE_MS));
    this.#stale.set(this.#staleMs);
  }

  #ended(connection: Connection, end: ConnectionEnd): void {
    if (connection === this.#retired) this.#retired = undefined;
    else if (connection === this.#second?.connection) this.#secondEnded(this.#second, end);
    else if (connection === this.#main?.connection) this.#mainEnded(this.#main, end);
  }

  #secondEnded(dial: Dial, end: ConnectionEnd): void {
    if (mayRefuseResume(dial, end)) {
      this.#observer.redialFailed(end);
      this.#second = this.#dial('repeat');
      return;
    }
    this.#second = undefined;
    this.#observer.redialFailed(end);
    this.#setNextStale();
  }

  #mainEnded(dial: Dial, end: ConnectionEnd): void {
    this.#main = undefined;
    if (mayRefuseResume(dial, end)) {
      this.#observer.resumeRefused(end);
      this.#main = this.#dial('repeat');
      return;
    }
    this.#stale.clear();
    void this.#second?.connection.destroy();
    this.#second = undefined;
    const retryInMs = this.#backoff.next();
    if (end.opened) this.#observer.disconnected(end, retryInMs);
    else this.#observer.dialFailed(end, retryInMs);
    this.#cancelRetry = this.#clock.after(retryInMs, () => {
      this.#main = this.#dial('resume');
    });
    this.#setConnected(false);
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#observer.setConnected(connected);
    this.#deps.onStateChange?.(connected);
  }
}

function mayRefuseResume(dial: Dial, end: ConnectionEnd): boolean {
  return dial.after !== undefined && end.reason === 'http_status' && RESUME_REFUSALS.includes(end.httpStatus);
}

/**
 * Creates an upstream; nothing is dialled before `start`.
 *
 * @throws UpstreamAddressError
 */
export function createUpstream(
  uri: string,
  position: number,
  options: UpstreamOptions,
  deps: UpstreamDependencies,
): Upstream {
  return new Upstream(uri, position, options, deps);
}
