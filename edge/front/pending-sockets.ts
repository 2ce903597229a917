import type { Socket } from 'node:net';

/**
 * The connections that are not a client's yet: in their handshake, in a plain HTTP exchange, or refused and about to close.
 * Bounded, as each costs memory and has shown no right to it.
 */
export class PendingSockets {
  readonly #limit: number;
  readonly #sockets = new Set<Socket>();
  /** One listener for all, so that a connection costs no closure. */
  readonly #onClose: (this: Socket) => void;

  /** @param limit MAX_PENDING */
  constructor(limit: number) {
    this.#limit = limit;
    const sockets = this.#sockets;
    this.#onClose = function (this: Socket) {
      sockets.delete(this);
    };
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** @returns whether there was room; without it the socket is destroyed */
  add(socket: Socket): boolean {
    if (this.#sockets.size >= this.#limit) {
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    socket.once('close', this.#onClose);
    return true;
  }

  /** The connection has become a client's. */
  settle(socket: Socket): void {
    if (this.#sockets.delete(socket)) socket.off('close', this.#onClose);
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
