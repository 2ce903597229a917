import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { DisconnectReason } from '../../shared/metrics/edge-metrics.ts';
import type { Grant } from '../admission/admission.ts';
import type { Lapse } from '../keys/key-uses.ts';
import { Client, type Slowness } from '../fanout/client.ts';
import type { ClientWriter } from '../fanout/client-writer.ts';
import { pingFrame, pongFrame } from '../stream/frame.ts';
import { GOING_AWAY, POLICY_VIOLATION, TRY_AGAIN_LATER } from './close-codes.ts';
import { CONTROL_FRAMES, DATA_FRAMES, takeFrame } from './frame-rate.ts';
import type { Pinged } from './ping-wheel.ts';

/** What all connections share. */
export interface ConnectionHost {
  readonly writer: Pick<ClientWriter, 'ping' | 'pong'>;
  now(): number;
  /** The connection is over; called once. */
  ended(connection: Connection, reason: DisconnectReason): void;
}

/** A WebSocket that knows its connection, so that one set of listeners serves all. */
export class ClientWebSocket extends WebSocket {
  declare connection: Connection | undefined;
}

const EMPTY_PONG = pongFrame(Buffer.alloc(0));

/** ws' codes for a breach of the bounds on a client's message. */
const SIZE_ERRORS: ReadonlySet<unknown> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
]);
const FRAGMENT_ERROR = 'WS_ERR_TOO_MANY_BUFFERED_PARTS';

/** A client's connection, from the upgrade to the end of its socket. */
export class Connection extends Client implements Pinged {
  readonly grant: Grant;
  pingedAt = 0;
  /** The spoke of the ping wheel that it is on; -1 when on none. */
  spoke = -1;
  readonly #webSocket: ClientWebSocket;
  readonly #tcp: Socket;
  readonly #host: ConnectionHost;
  #controlPaidUntil = 0;
  #dataPaidUntil = 0;
  /** Why the edge ends it; the first reason counts. */
  #reason: DisconnectReason | undefined = undefined;

  constructor(webSocket: ClientWebSocket, socket: Socket, grant: Grant, cursor: number, host: ConnectionHost) {
    super(socket, grant.encoding, cursor);
    this.#webSocket = webSocket;
    this.#tcp = socket;
    this.grant = grant;
    this.#host = host;
    webSocket.connection = this;
    webSocket.on('ping', onPing);
    webSocket.on('pong', onPong);
    webSocket.on('message', onMessage);
    webSocket.on('error', onError);
    webSocket.on('close', onClose);
  }

  override get open(): boolean {
    return this.#reason === undefined && this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Too slow by time, or out of the ring with a frame half written: nothing more can be said. Else Close 1013 follows the frame. */
  override tooSlow(slowness: Slowness): void {
    if (!this.open) return;
    this.#reason = 'slow';
    if (this.blocked && (slowness === 'time' || slowness === 'fell_out')) this.#abort();
    else this.#webSocket.close(TRY_AGAIN_LATER, 'Too slow');
  }

  /** Closes it because the edge goes away. */
  drain(): void {
    if (!this.open) return;
    this.#reason = 'draining';
    this.#webSocket.close(GOING_AWAY, 'Draining');
  }

  /** Closes it because the key that it was admitted by counts no more. */
  keyLapsed(lapse: Lapse): void {
    if (!this.open) return;
    this.#reason = 'key_revoked';
    this.#webSocket.close(POLICY_VIOLATION, lapse === 'revoked' ? 'API key revoked' : 'API key expired');
  }

  /** Ends the socket at once; what the kernel has taken is still sent. */
  destroy(): void {
    this.#reason ??= 'draining';
    this.#webSocket.terminate();
  }

  ping(): boolean {
    return this.open && this.#host.writer.ping(this, pingFrame());
  }

  pongOverdue(): void {
    if (!this.open) return;
    this.#reason = 'pong_timeout';
    this.#abort();
  }

  /** Takes a ping of the client. */
  pinged(payload: Buffer): void {
    if (this.#takeControlFrame()) this.#host.writer.pong(this, payload.length === 0 ? EMPTY_PONG : pongFrame(payload));
  }

  /** Takes a pong of the client. */
  ponged(): void {
    this.#takeControlFrame();
  }

  /** Takes a data message of the client, which is ignored. */
  messaged(): void {
    if (!this.open) return;
    this.pingedAt = 0;
    const paidUntil = takeFrame(this.#dataPaidUntil, this.#host.now(), DATA_FRAMES);
    if (paidUntil === undefined) this.#tooManyFrames('Too many data frames');
    else this.#dataPaidUntil = paidUntil;
  }

  /** ws found a frame that breaks the protocol or its bounds, and closes. */
  failed(code: unknown): void {
    if (SIZE_ERRORS.has(code)) this.#reason ??= 'frame_size';
    else this.#reason ??= code === FRAGMENT_ERROR ? 'frame_rate' : 'protocol';
  }

  /** The socket is gone. */
  closed(): void {
    this.#host.ended(this, this.#reason ?? (this.#tcp.errored === null ? 'client' : 'error'));
  }

  #takeControlFrame(): boolean {
    if (!this.open) return false;
    this.pingedAt = 0;
    const paidUntil = takeFrame(this.#controlPaidUntil, this.#host.now(), CONTROL_FRAMES);
    if (paidUntil === undefined) this.#tooManyFrames('Too many control frames');
    else this.#controlPaidUntil = paidUntil;
    return paidUntil !== undefined;
  }

  /** Closes with 1008 and stops reading, so that a flood costs nothing more. */
  #tooManyFrames(reason: string): void {
    this.#reason = 'frame_rate';
    this.#webSocket.close(POLICY_VIOLATION, reason);
    this.#webSocket.pause();
    this.#tcp.end();
  }

  /** Drops the connection together with what the kernel holds for it: a client that does not read would keep that for minutes. */
  #abort(): void {
    if (this.#tcp instanceof TLSSocket) this.#tcp.destroy();
    else this.#tcp.resetAndDestroy();
  }
}

// Shared by all connections: closures of their own would cost every idle client memory.

function connectionOf(webSocket: WebSocket): Connection | undefined {
  return webSocket instanceof ClientWebSocket ? webSocket.connection : undefined;
}

function onPing(this: WebSocket, payload: Buffer): void {
  connectionOf(this)?.pinged(payload);
}

function onPong(this: WebSocket): void {
  connectionOf(this)?.ponged();
}

function onMessage(this: WebSocket): void {
  connectionOf(this)?.messaged();
}

function onError(this: WebSocket, error: Error & { readonly code?: unknown }): void {
  connectionOf(this)?.failed(error.code);
}

function onClose(this: WebSocket): void {
  connectionOf(this)?.closed();
}
