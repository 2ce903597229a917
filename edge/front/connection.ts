import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { DisconnectReason } from '../../shared/metrics/edge-metrics.ts';
import type { Grant } from '../admission/admission.ts';
import type { Lapse } from '../keys/key-uses.ts';
import { Client, type Slowness } from '../fanout/client.ts';
import type { ClientWriter } from '../fanout/client-writer.ts';
import { closeFrame, closeReply, pingFrame, pongFrame } from '../stream/frame.ts';
import { GOING_AWAY, MESSAGE_TOO_BIG, POLICY_VIOLATION, PROTOCOL_ERROR, TRY_AGAIN_LATER } from './close-codes.ts';
import { ClosingHandshake } from './closing-handshake.ts';
import { CONTROL_FRAMES, DATA_FRAMES, takeFrame } from './frame-rate.ts';
import { type Breach, type FrameHandler, FrameReader } from './frames/frame-reader.ts';
import { type ByteTaker, readSocket } from './frames/socket-reader.ts';
import type { Pinged } from './ping-wheel.ts';

/** What all connections share. */
export interface ConnectionHost {
  readonly writer: Pick<ClientWriter, 'ping' | 'pong'>;
  now(): number;
  /** The connection is over; called once. */
  ended(connection: Connection, reason: DisconnectReason): void;
}

const EMPTY_PONG = pongFrame(Buffer.alloc(0));

const BREACH_FRAMES: Readonly<Record<Breach, Buffer>> = {
  protocol: closeFrame(PROTOCOL_ERROR, ''),
  frame_size: closeFrame(MESSAGE_TOO_BIG, ''),
  frame_rate: closeFrame(POLICY_VIOLATION, 'Too many parts of a frame or message'),
};

const CONNECTION = Symbol('connection');
type ConnectedSocket = Socket & { [CONNECTION]?: Connection };

/** A client's connection, from the upgrade to the end of its socket. */
export class Connection extends Client implements Pinged, FrameHandler, ByteTaker {
  readonly grant: Grant;
  pingedAt = 0;
  /** The spoke of the ping wheel that it is on; -1 when on none. */
  spoke = -1;
  readonly #tcp: Socket;
  readonly #host: ConnectionHost;
  readonly #frames = new FrameReader();
  #controlPaidUntil = 0;
  #dataPaidUntil = 0;
  /** Why the edge ends it; the first reason counts. */
  #reason: DisconnectReason | undefined = undefined;
  /** From the first Close frame of either side, or the client's end. */
  #closing: ClosingHandshake | undefined = undefined;

  constructor(socket: Socket, grant: Grant, cursor: number, host: ConnectionHost) {
    super(socket, grant.encoding, cursor);
    this.#tcp = socket;
    this.grant = grant;
    this.#host = host;
    (socket as ConnectedSocket)[CONNECTION] = this;
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /**
   * Reads what the client sends from now on.
   *
   * @param head what it sent behind its request
   */
  read(head: Uint8Array): void {
    readSocket(this.#tcp, head, this);
  }

  override get open(): boolean {
    return this.#reason === undefined && this.#closing === undefined;
  }

  /** Too slow by time, or out of the ring with a frame half written: nothing more can be said. Else Close 1013 follows the frame. */
  override tooSlow(slowness: Slowness): void {
    if (!this.open) return;
    this.#reason = 'slow';
    if (this.blocked && (slowness === 'time' || slowness === 'fell_out')) this.#abort();
    else this.#close(TRY_AGAIN_LATER, 'Too slow');
  }

  /** Closes it because the edge goes away. */
  drain(): void {
    if (!this.open) return;
    this.#reason = 'draining';
    this.#close(GOING_AWAY, 'Draining');
  }

  /** Closes it because the key that it was admitted by counts no more. */
  keyLapsed(lapse: Lapse): void {
    if (!this.open) return;
    this.#reason = 'key_revoked';
    this.#close(POLICY_VIOLATION, lapse === 'revoked' ? 'API key revoked' : 'API key expired');
  }

  /** Ends the socket at once; what the kernel has taken is still sent. */
  destroy(): void {
    this.#reason ??= 'draining';
    this.#tcp.destroy();
  }

  ping(): boolean {
    return this.open && this.#host.writer.ping(this, pingFrame());
  }

  pongOverdue(): void {
    if (!this.open) return;
    this.#reason = 'pong_timeout';
    this.#abort();
  }

  /** Bytes of the client. Past the end of its frames they are dropped; those of a flood are not even read. */
  take(bytes: Uint8Array, length: number): boolean {
    if (this.#frames.read(bytes, length, this)) return true;
    return this.#reason !== 'frame_rate' && (this.#closing?.drop(length) ?? false);
  }

  pinged(payload: Buffer): boolean {
    if (!this.#payControlFrame()) return false;
    this.#host.writer.pong(this, payload.length === 0 ? EMPTY_PONG : pongFrame(payload));
    return true;
  }

  ponged(): boolean {
    return this.#payControlFrame();
  }

  /** A message is ignored. */
  messaged(): boolean {
    this.pingedAt = 0;
    const paidUntil = takeFrame(this.#dataPaidUntil, this.#host.now(), DATA_FRAMES);
    if (paidUntil === undefined) this.#tooManyFrames('Too many data frames');
    else this.#dataPaidUntil = paidUntil;
    return paidUntil !== undefined;
  }

  closeReceived(payload: Buffer): void {
    this.#endAfter(closeReply(payload));
  }

  broken(breach: Breach): void {
    this.#reason ??= breach;
    this.#endAfter(BREACH_FRAMES[breach]);
  }

  /** The client has ended its side. */
  endReceived(): void {
    this.#closing ??= new ClosingHandshake(this.#tcp);
    this.#closing.end();
  }

  /** The socket is gone. */
  closed(): void {
    this.#closing?.over();
    this.#host.ended(this, this.#reason ?? (this.#tcp.errored === null ? 'client' : 'error'));
  }

  #payControlFrame(): boolean {
    this.pingedAt = 0;
    const paidUntil = takeFrame(this.#controlPaidUntil, this.#host.now(), CONTROL_FRAMES);
    if (paidUntil === undefined) this.#tooManyFrames('Too many control frames');
    else this.#controlPaidUntil = paidUntil;
    return paidUntil !== undefined;
  }

  #tooManyFrames(reason: string): void {
    this.#reason ??= 'frame_rate';
    this.#endAfter(closeFrame(POLICY_VIOLATION, reason));
  }

  /** Sends a Close frame, and waits for the client's. */
  #close(code: number, reason: string): void {
    this.#closing ??= new ClosingHandshake(this.#tcp);
    this.#closing.send(closeFrame(code, reason));
  }

  /** Ends the connection; behind a Close frame, where none was sent before. */
  #endAfter(frame: Buffer): void {
    this.#closing ??= new ClosingHandshake(this.#tcp);
    this.#closing.send(frame);
    this.#closing.end();
  }

  /** Drops the connection together with what the kernel holds for it: a client that does not read would keep that for minutes. */
  #abort(): void {
    if (this.#tcp instanceof TLSSocket) this.#tcp.destroy();
    else this.#tcp.resetAndDestroy();
  }
}

// Shared by all connections: closures of their own would cost every idle client memory.

function onEnd(this: ConnectedSocket): void {
  this[CONNECTION]?.endReceived();
}

function onError(this: Socket): void {
  this.destroy();
}

function onClose(this: ConnectedSocket): void {
  this[CONNECTION]?.closed();
}
