/**
 * One connection to an upstream, from the dial to its end: the connect limit, pings, liveness, and the proof that it is
 * worth something. It dials once; when and where to dial again is the upstream's matter. Messages come out in the order in
 * which the upstream sent them.
 */
import type { Socket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import type { Clock } from './clock.ts';
import { Deadline, type StallCheck } from './deadline.ts';
import { classifyError, type ConnectionEnd, type EndReason } from './failure.ts';

export interface ConnectionOptions {
  /** From the dial to the answered handshake, milliseconds. */
  readonly upstreamConnectTimeoutMs: number;
  readonly subscriberPingIntervalMs: number;
  /** Milliseconds without any frame after which the upstream is dead. */
  readonly subscriberPongTimeoutMs: number;
  /** Largest plain size of a message in bytes. */
  readonly maxMessageBytes: number;
}

export interface ConnectionListener {
  /** The handshake was answered with an upgrade. */
  opened(): void;
  message(data: Buffer, isBinary: boolean): void;
  /** It is worth something: a message came, or pings were answered for 10 s. Once. */
  proved(): void;
  /** A ping was due. */
  ping(outcome: 'sent' | 'failed'): void;
  /** Once, the last call; the socket is closed or about to be. Not called after {@link Connection.destroy}. */
  ended(end: ConnectionEnd): void;
}

export interface ConnectionTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string;
}

/** Liveness is not judged before: an upstream that has just accepted may be busy (upstream-and-stream, "Connection"). */
const GRACE_MS = 5000;
/** As long as pings must be answered to prove a connection that sends no message. */
const PROOF_MS = 10_000;
/** A peer that does not answer our Close frame is let go after this; a loaded one across an ocean answers sooner. */
const CLOSE_TIMEOUT_MS = 1000;
/**
 * Times MAX_MESSAGE_BYTES: what a frame may hold before the connection is ended for it. Below this a message that is too
 * large is read, dropped and counted, and costs nothing else; above it, reading would cost memory without a bound. The
 * cap is a multiple, as a connection that ends on a message of 1 byte too many ends again on each resume.
 */
const HARD_CAP_FACTOR = 4;
/** The code that ws gives a connection that ended without a Close frame (RFC 6455 7.4.1). */
const NO_CLOSE_FRAME = 1006;
/** ws keeps the cap as a signed 32-bit number. */
const HARD_CAP_MAX_BYTES = 2 ** 31 - 1;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  readonly #socket: WebSocket;
  readonly #connectLimit: Deadline;
  readonly #liveness: Deadline;
  #cancelPing: (() => void) | undefined;
  #tcp: Socket | undefined;
  #error: EndReason | undefined;
  #opened = false;
  #ended = false;
  #proved = false;
  #pingUnsent = false;
  #graceEndsAt = 0;
  #answeringSince = 0;
  /** Bytes read from the socket when the last frame was complete. */
  #bytesAtLastFrame = 0;

  /** Dials at once. */
  constructor(
    target: ConnectionTarget,
    options: ConnectionOptions,
    deps: { readonly clock: Clock; readonly stall: StallCheck; readonly listener: ConnectionListener },
  ) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#listener = deps.listener;
    this.#connectLimit = new Deadline(deps.clock, deps.stall, () => {
      this.#end({ reason: 'timeout' });
    });
    this.#liveness = new Deadline(deps.clock, deps.stall, () => {
      this.#judge();
    });
    this.#connectLimit.set(options.upstreamConnectTimeoutMs);
    this.#socket = this.#dial(target);
  }

  get opened(): boolean {
    return this.#opened;
  }

  /** The event loop stood still, and the sockets were read since: every deadline starts anew. */
  restartDeadlines(): void {
    this.#connectLimit.restart();
    if (!this.#opened || this.#ended) return;
    this.#answeringSince = this.#clock.now();
    this.#liveness.restart();
  }

  /** Says goodbye; what the upstream sent before it answers is still delivered, then the connection ends. */
  close(): void {
    this.#cancelTimers();
    this.#socket.close(1000);
  }

  /**
   * Ends it without another call of the listener: with a Close frame where one can be written.
   *
   * @returns resolves when the socket is gone
   */
  destroy(): Promise<void> {
    this.#ended = true;
    this.#cancelTimers();
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    const gone = new Promise<void>((resolve) => {
      this.#socket.once('close', () => {
        resolve();
      });
    });
    if (this.#opened) this.#socket.close(1000);
    else this.#socket.terminate();
    return gone;
  }

  #dial(target: ConnectionTarget): WebSocket {
    // `closeTimeout` is missing from ws's type.
    const options: ClientOptions & { readonly closeTimeout: number } = {
      headers: { ...target.headers },
      // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off behind an operator's back.
      rejectUnauthorized: true,
      ...(target.ca !== undefined && { ca: target.ca }),
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: Math.min(this.#options.maxMessageBytes * HARD_CAP_FACTOR, HARD_CAP_MAX_BYTES),
      closeTimeout: CLOSE_TIMEOUT_MS,
    };
    const socket = new WebSocket(target.url, options);
    socket.on('unexpected-response', (_request, response) => {
      this.#end({ reason: 'http_status', httpStatus: response.statusCode ?? 0 });
    });
    socket.on('upgrade', (response) => {
      this.#tcp = response.socket;
    });
    socket.on('open', () => {
      this.#open();
    });
    socket.on('message', (data, isBinary) => {
      if (this.#ended) return;
      this.#frame();
      this.#prove();
      // A 'nodebuffer' socket, ws's default, gives each message as one Buffer.
      this.#listener.message(data as Buffer, isBinary);
    });
    socket.on('ping', () => {
      this.#frame();
    });
    socket.on('pong', () => {
      this.#frame();
      if (this.#clock.now() - this.#answeringSince >= PROOF_MS) this.#prove();
    });
    socket.on('error', (error) => {
      this.#error ??= classifyError(error, this.#opened);
    });
    socket.on('close', (code) => {
      if (this.#error !== undefined) this.#end({ reason: this.#error });
      else this.#end(code === NO_CLOSE_FRAME ? { reason: 'reset' } : { reason: 'closed', closeCode: code });
    });
    return socket;
  }

  #open(): void {
    if (this.#ended) return;
    this.#opened = true;
    this.#connectLimit.clear();
    const now = this.#clock.now();
    this.#graceEndsAt = now + GRACE_MS;
    this.#answeringSince = now;
    this.#frame();
    this.#schedulePing();
    this.#listener.opened();
  }

  /** A frame of any kind was read: the upstream lives. */
  #frame(): void {
    if (this.#ended || !this.#opened) return;
    this.#bytesAtLastFrame = this.#tcp?.bytesRead ?? 0;
    this.#liveness.set(Math.max(this.#options.subscriberPongTimeoutMs, this.#graceEndsAt - this.#clock.now()));
  }

  #judge(): void {
    // A large message on a slow link: its frame is not whole yet, and nothing else can arrive before it is. Ending the
    // connection here would have it sent again and cut again.
    if ((this.#tcp?.bytesRead ?? 0) > this.#bytesAtLastFrame) this.#frame();
    else this.#end({ reason: 'silent' });
  }

  #prove(): void {
    if (this.#proved) return;
    this.#proved = true;
    this.#listener.proved();
  }

  #schedulePing(): void {
    this.#cancelPing = this.#clock.after(this.#options.subscriberPingIntervalMs, () => {
      this.#schedulePing();
      this.#ping();
    });
  }

  #ping(): void {
    // One that still waits in the socket's buffer says that the upstream reads nothing; more would only pile up.
    if (this.#pingUnsent || this.#socket.readyState !== WebSocket.OPEN) {
      this.#listener.ping('failed');
      return;
    }
    this.#pingUnsent = true;
    this.#socket.ping(undefined, undefined, (error?: Error | null) => {
      this.#pingUnsent = false;
      if (!this.#ended) this.#listener.ping(error ? 'failed' : 'sent');
    });
  }

  #end(end: Omit<ConnectionEnd, 'opened'>): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimers();
    if (this.#socket.readyState !== WebSocket.CLOSED) this.#socket.terminate();
    this.#listener.ended({ ...end, opened: this.#opened });
  }

  #cancelTimers(): void {
    this.#connectLimit.clear();
    this.#liveness.clear();
    this.#cancelPing?.();
    this.#cancelPing = undefined;
  }
}
