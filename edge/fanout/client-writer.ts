import { performance } from 'node:perf_hooks';
import type { Client, ClientSocket } from './client.ts';
import { FrameWrite } from './frame-write.ts';

/** Where Node counts the bytes of a socket that the layer below has not taken; over TLS that layer is `_parent`. */
interface CountingHandle {
  readonly writeQueueSize?: unknown;
  readonly _parent?: CountingHandle | null;
}

function handleOf(socket: ClientSocket): CountingHandle | null | undefined {
  return (socket as { _handle?: CountingHandle | null })._handle;
}

/**
 * Bytes that the kernel has not taken of what was written to a socket; over TLS at most so many. Where a socket has no count of its
 * own, the stream's changes only when a whole write is done.
 */
function untakenBytes(socket: ClientSocket): number {
  const size = handleOf(socket)?.writeQueueSize;
  return typeof size === 'number' ? size : socket.writableLength;
}

/**
 * A number that changes with every byte that the kernel takes, also inside one frame. TLS hands the kernel megabytes in one write,
 * and counts them when it has taken all of them: what is left of that write, the socket below tells.
 */
function progressMark(socket: ClientSocket): number {
  const below = handleOf(socket)?._parent?.writeQueueSize;
  return untakenBytes(socket) + (typeof below === 'number' ? below : 0);
}

/**
 * Writes whole frames to clients' sockets and knows which clients are blocked. A socket is given the next frame only when
 * the kernel has taken the one before, so a client costs at most one frame, one pong and the kernel's buffer.
 */
export class ClientWriter {
  /** Clients whose socket holds bytes that the kernel has not taken. */
  readonly blocked = new Set<Client>();
  readonly #frames = new FrameWrite();
  readonly #now: () => number;
  readonly #onFree: (client: Client) => void;

  /** @param onFree called when a blocked client may be written to again */
  constructor(onFree: (client: Client) => void, now: () => number = () => performance.now()) {
    this.#onFree = onFree;
    this.#now = now;
  }

  /**
   * Writes a frame to a client that is open and not blocked. Allocates nothing unless the client blocks.
   *
   * @returns whether the kernel took all of it at once
   */
  write(client: Client, frame: Buffer): boolean {
    const pending = this.#frames.write(client.socket, frame);
    if (pending === undefined) return true;
    client.blocked = true;
    client.progressAt = this.#now();
    client.progressMark = progressMark(client.socket);
    this.blocked.add(client);
    pending.onTaken(() => this.#free(client));
    return false;
  }

  /** Answers a ping: at once, or when the socket is free again with the newest ping's answer only (RFC 6455, 5.5.3). */
  pong(client: Client, frame: Buffer): void {
    if (!client.open) return;
    if (client.blocked) client.pendingPong = frame;
    else this.write(client, frame);
  }

  /** @returns whether the frame was written: not to a client that is blocked or closing */
  ping(client: Client, frame: Buffer): boolean {
    if (!client.open || client.blocked) return false;
    this.write(client, frame);
    return true;
  }

  /** Looks whether a blocked client's socket took bytes since the last look. */
  observe(client: Client, now: number): void {
    const mark = progressMark(client.socket);
    if (mark === client.progressMark) return;
    client.progressMark = mark;
    client.progressAt = now;
  }

  /** Bytes that wait in the process for a client: the rest of a frame and a pong. */
  waitingBytes(client: Client): number {
    return client.blocked ? untakenBytes(client.socket) + (client.pendingPong?.length ?? 0) : 0;
  }

  /** Forgets a client whose connection has ended. */
  forget(client: Client): void {
    this.blocked.delete(client);
    client.pendingPong = undefined;
  }

  #free(client: Client): void {
    if (!this.blocked.delete(client)) return;
    client.blocked = false;
    client.inFlight = undefined;
    const pong = client.pendingPong;
    client.pendingPong = undefined;
    if (!client.open) return;
    if (pong !== undefined && !this.write(client, pong)) return;
    this.#onFree(client);
  }
}
