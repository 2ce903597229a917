import type { Socket } from 'node:net';
import type { EdgeMetrics } from '../../../shared/metrics/edge-metrics.ts';
import { every } from '../../../shared/every.ts';
import type { StallDetector } from '../../../shared/stall-detector.ts';

export interface PendingSettings {
  /** Connections in all. */
  readonly maxPending: number;
  /** Connections of one network. */
  readonly maxPendingPerIp: number;
  /** In which a connection must have become a client, or have sent its next request. */
  readonly handshakeTimeoutMs: number;
}

export interface PendingDependencies {
  readonly stall: Pick<StallDetector, 'check' | 'onStall'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Tells a peer whose time is up, where it can still be told. The connection ends by it. */
  readonly expired: (stream: Socket) => void;
  readonly admissions: EdgeMetrics['admissions'];
}

interface Pending {
  readonly socket: Socket;
  /** What HTTP is spoken on: the socket itself, or the TLS stream over it; `undefined` before that. */
  stream: Socket | undefined;
  /** The peer as far as it is known: the socket's, or the one that the PROXY protocol names. */
  peer: string | undefined;
  /** What it counts under; `undefined` where only MAX_PENDING holds. */
  network: string | undefined;
  since: number;
  /** It has been told that its connection ends. */
  refused: boolean;
}

/**
 * However many admissions are being decided, this part of the places, and at most so many, is for connections that owe their
 * request: a balancer's health check is answered at any time.
 */
const RESERVED_PART = 0.1;
const MAX_RESERVED = 32;
/** How often HANDSHAKE_TIMEOUT_MS is looked at within it. */
const CHECKS_PER_TIMEOUT = 5;

/**
 * The connections that are not a client's yet: in their handshake, in a plain HTTP exchange, or refused and about to close.
 * Each costs memory and has shown no right to it, so they are bounded in number and time (MAX_PENDING, MAX_PENDING_PER_IP,
 * HANDSHAKE_TIMEOUT_MS). When all places are taken, the one that has been waited for the longest gives its place to a new one:
 * whoever sends a whole request at once gets through a crowd that sends none.
 */
export class PendingSockets {
  readonly #settings: PendingSettings;
  readonly #deps: PendingDependencies;
  /** By socket, and by TLS stream where there is one. */
  readonly #all = new Map<Socket, Pending>();
  /** Those that owe a whole request or only have to close, the longest first. */
  readonly #waited = new Set<Pending>();
  /** Those whose admission is being decided. */
  readonly #asking = new Set<Pending>();
  readonly #perNetwork = new Map<string, number>();
  /** One listener for all, so that a connection costs no closure. */
  readonly #onClose: (this: Socket) => void;
  #end: (() => void) | undefined;
  #forgetStalls: (() => void) | undefined;

  constructor(settings: PendingSettings, dependencies: PendingDependencies) {
    this.#settings = settings;
    this.#deps = dependencies;
    const remove = (socket: Socket): void => {
      this.settle(socket);
    };
    this.#onClose = function (this: Socket) {
      remove(this);
    };
  }

  start(): void {
    if (this.#end !== undefined) return;
    const periodMs = Math.max(Math.floor(this.#settings.handshakeTimeoutMs / CHECKS_PER_TIMEOUT), 1);
    this.#end = every(periodMs, () => this.expire());
    this.#forgetStalls = this.#deps.stall.onStall((now) => {
      for (const pending of [...this.#waited, ...this.#asking]) pending.since = now;
    });
  }

  /** Destroys all that are left. Idempotent. */
  stop(): void {
    this.#end?.();
    this.#end = undefined;
    this.#forgetStalls?.();
    this.#forgetStalls = undefined;
    for (const { socket } of [...this.#waited, ...this.#asking]) socket.destroy();
  }

  get size(): number {
    return this.#waited.size + this.#asking.size;
  }

  /**
   * Takes a new connection.
   *
   * @param network what it counts under; `undefined` for a proxy's connection, behind which many clients stand
   * @returns whether there was room; without it the socket is destroyed
   */
  add(socket: Socket, peer: string | undefined, network: string | undefined): boolean {
    if (!this.#hasRoom(network)) {
      this.#drop(socket);
      return false;
    }
    this.#makeRoom();
    const pending: Pending = { socket, stream: undefined, peer, network, since: this.#deps.now(), refused: false };
    this.#all.set(socket, pending);
    this.#waited.add(pending);
    this.#count(network, 1);
    socket.once('close', this.#onClose);
    return true;
  }

  /**
   * The PROXY protocol has named who is behind a connection.
   *
   * @returns whether there was room for it; without it the socket is destroyed
   */
  identify(socket: Socket, peer: string, network: string | undefined): boolean {
    const pending = this.#all.get(socket);
    if (pending === undefined) return false;
    if (!this.#hasRoom(network)) {
      this.#drop(socket);
      return false;
    }
    this.#count(pending.network, -1);
    this.#count(network, 1);
    pending.peer = peer;
    pending.network = network;
    return true;
  }

  /** HTTP is spoken on a connection from now on: on the socket itself, or on the TLS stream over it. */
  serving(socket: Socket, stream: Socket): void {
    const pending = this.#all.get(socket);
    if (pending === undefined) {
      stream.destroy();
      return;
    }
    pending.stream = stream;
    this.#all.set(stream, pending);
  }

  /** The peer of a connection: a client, or a proxy. */
  peerOf(stream: Socket): string | undefined {
    return this.#all.get(stream)?.peer;
  }

  /** A whole plain request has come: its connection has as long again for the next one. */
  requested(stream: Socket, refused: boolean): void {
    const pending = this.#all.get(stream);
    if (pending === undefined) return;
    pending.refused ||= refused;
    pending.since = this.#deps.now();
    // Back to the end of the line.
    if (this.#waited.delete(pending)) this.#waited.add(pending);
  }

  /**
   * A whole upgrade request has come, whose admission is about to be decided.
   *
   * @returns `gone` when the connection has had its last answer; `full` when too many are being decided
   */
  asks(stream: Socket): 'ok' | 'full' | 'gone' {
    const pending = this.#all.get(stream);
    if (pending === undefined || pending.refused) return 'gone';
    if (this.#asking.size >= this.#settings.maxPending) return 'full';
    this.#waited.delete(pending);
    this.#asking.add(pending);
    return 'ok';
  }

  /** The admission was refused: the connection only has to close. */
  refused(stream: Socket): void {
    const pending = this.#all.get(stream);
    if (pending === undefined) return;
    pending.refused = true;
    pending.since = this.#deps.now();
    if (this.#asking.delete(pending)) this.#waited.add(pending);
  }

  /** The connection has become a client's, or is gone. Idempotent. */
  settle(stream: Socket): void {
    const pending = this.#all.get(stream);
    if (pending === undefined) return;
    this.#all.delete(pending.socket);
    if (pending.stream !== undefined) this.#all.delete(pending.stream);
    this.#waited.delete(pending);
    this.#asking.delete(pending);
    this.#count(pending.network, -1);
    pending.socket.off('close', this.#onClose);
  }

  /** Ends those whose time is up. The timer calls it. */
  expire(): void {
    if (this.#deps.stall.check()) return;
    const before = this.#deps.now() - this.#settings.handshakeTimeoutMs;
    for (const pending of [...this.#waited, ...this.#asking]) {
      if (pending.since > before) continue;
      if (pending.refused) {
        pending.socket.destroy();
        continue;
      }
      pending.refused = true;
      this.#deps.admissions.inc({ result: 'handshake_timeout' });
      if (pending.stream === undefined) pending.socket.destroy();
      else this.#deps.expired(pending.stream);
    }
  }

  #hasRoom(network: string | undefined): boolean {
    return network === undefined || (this.#perNetwork.get(network) ?? 0) < this.#settings.maxPendingPerIp;
  }

  /** Makes room for a new connection: the one that has been waited for the longest may have to go. */
  #makeRoom(): void {
    const { maxPending } = this.#settings;
    const reserved = Math.min(Math.ceil(maxPending * RESERVED_PART), MAX_RESERVED);
    if (this.#waited.size < Math.max(maxPending - this.#asking.size, reserved)) return;
    const [longest] = this.#waited;
    if (longest !== undefined) this.#drop(longest.socket);
  }

  /** Takes no room from now on: its place is another's before its socket is gone. */
  #drop(socket: Socket): void {
    this.settle(socket);
    socket.destroy();
    this.#deps.admissions.inc({ result: 'pending_limit' });
  }

  #count(network: string | undefined, change: 1 | -1): void {
    if (network === undefined) return;
    const count = (this.#perNetwork.get(network) ?? 0) + change;
    if (count > 0) this.#perNetwork.set(network, count);
    else this.#perNetwork.delete(network);
  }
}
