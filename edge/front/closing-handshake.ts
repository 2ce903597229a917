import type { Socket } from 'node:net';

/** A closing handshake that takes longer is cut off; a live client answers within a round trip. */
const CLOSE_TIMEOUT_MS = 2000;
/**
 * What a client sends after the end of what counts is read and dropped, so that its own end is noticed and the Close frame is not lost
 * to a reset; up to this: a message that is too large by mistake is smaller, a flood is not.
 */
const MAX_DROPPED_BYTES = 1_048_576;

/** The end of a client's connection (RFC 6455, 7): Close frames, then the socket. */
export class ClosingHandshake {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #sent = false;
  #dropped = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
  }

  /** Sends a Close frame; a second one is not sent. */
  send(frame: Buffer): void {
    if (this.#sent) return;
    this.#sent = true;
    if (this.#socket.writable) this.#socket.write(frame);
  }

  /** Ends the edge's side behind what has been written. */
  end(): void {
    this.#socket.end();
  }

  /** @returns whether to read on */
  drop(bytes: number): boolean {
    this.#dropped += bytes;
    return this.#dropped <= MAX_DROPPED_BYTES;
  }

  /** The socket is gone. */
  over(): void {
    clearTimeout(this.#timer);
  }
}
