/**
 * Writes frames to clients' sockets. `socket.write` keeps books, makes a request and calls back for every write; but the kernel mostly
 * takes a frame whole and at once, and then all of that, a microsecond, was for nothing. So frames go to the handle below the stream,
 * with one request for all of them, which only a write that has to wait uses up. Where a release of Node has it otherwise, over TLS,
 * where every write has to wait, and while the stream itself has something to write, they go through the stream.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import type { ClientSocket } from './client.ts';

const NOTHING = Buffer.alloc(0);

/** A write whose rest waits in the process for the kernel to take it. */
export interface PendingWrite {
  /** Calls back when the kernel has taken all of it; never, where the socket ends before that. To be called in the same turn. */
  onTaken(callback: () => void): void;
}

/** What Node hands to a handle with the bytes; it lives as long as the write waits. */
interface WriteRequest {
  oncomplete: (status: number) => void;
  /** What is written: nobody else need keep it. */
  bytes: Buffer;
  /** Its number while it waits; below 0 before, and so for ever where the kernel takes all at once. */
  getAsyncId(): number;
}

type WriteRequests = new () => WriteRequest;

/** The part of a TCP handle that a write uses. */
interface WriteHandle {
  /** @returns 0, or a system's error as a negative number */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
}

/** Looks what this release of Node hands to a handle: by a socket whose handle only looks. `undefined` where it does so in another way. */
export function findWriteRequests(): WriteRequests | undefined {
  let found: unknown;
  const handle = {
    writeBuffer: (request: object) => {
      found = request.constructor;
      return 0;
    },
    close: () => undefined,
  };
  try {
    const socket = new Socket({ handle, manualStart: true } as SocketConstructorOpts);
    socket.write(NOTHING);
    socket.destroy();
    const requests = found as WriteRequests;
    return new requests().getAsyncId() < 0 ? requests : undefined;
  } catch {
    return undefined;
  }
}

/** Writes frames by one kind of request. */
export class FrameWrite {
  readonly #requests: WriteRequests | undefined;
  /** For the next write. One that the kernel takes at once leaves it as it is. */
  #spare: WriteRequest | undefined;

  /** @param requests `undefined` writes by the stream */
  constructor(requests: WriteRequests | undefined = findWriteRequests()) {
    this.#requests = requests;
    this.#spare = requests && new requests();
  }

  /**
   * @param socket no frame of it is pending; what its stream has to write goes first
   * @returns what waits for the kernel; `undefined` where it took all at once, or the socket failed, which its `errored` tells
   */
  write(socket: ClientSocket, frame: Buffer): PendingWrite | undefined {
    const handle = directHandle(socket);
    const request = this.#spare;
    if (handle === undefined || request === undefined) return writeByStream(socket, frame);
    const status = handle.writeBuffer(request, frame);
    if (status !== 0) fail(socket, status);
    // What the handle tells of its queue would not do: the rest may have been taken already, and the request is in use until it says so.
    else if (request.getAsyncId() >= 0) return this.#pending(socket, frame, request);
    return undefined;
  }

  #pending(socket: ClientSocket, frame: Buffer, request: WriteRequest): PendingWrite {
    this.#spare = this.#requests && new this.#requests();
    request.bytes = frame;
    return {
      onTaken: (callback) => {
        request.oncomplete = (status) => {
          if (status === 0) callback();
          else fail(socket, status);
        };
      },
    };
  }
}

/** The handle to write to past the stream; `undefined` where the stream has to do it. */
function directHandle(socket: ClientSocket): WriteHandle | undefined {
  const handle = (socket as { _handle?: Partial<WriteHandle> | null })._handle;
  const isDirect =
    typeof handle?.writeBuffer === 'function' && socket.writableLength === 0 && !(socket instanceof TLSSocket);
  return isDirect ? (handle as WriteHandle) : undefined;
}

/** A socket that was destroyed meanwhile takes no second reason. */
function fail(socket: ClientSocket, status: number): void {
  const code = getSystemErrorName(status);
  socket.destroy(Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' }));
}

function writeByStream(socket: ClientSocket, frame: Buffer): PendingWrite | undefined {
  socket.write(frame);
  if (socket.writableLength === 0) return undefined;
  return {
    onTaken: (callback) => {
      // 'drain' comes only where a write exceeded the high-water mark; the callback of an empty write behind the frame comes always.
      socket.write(NOTHING, (error) => {
        if (error === null || error === undefined) callback();
      });
    },
  };
}
