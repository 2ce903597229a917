/**
 * Reads clients' sockets into one buffer that they all share. Node gives every read a buffer of 64 KiB of its own, cuts it down to
 * what came and hands it through the stream's queue: for a ping of 6 bytes that is most of the cost. `net.Socket` has an option,
 * `onread`, that reads into a buffer of the caller's, but a server cannot give it to the sockets that it accepts; so what the option
 * sets is set on them here. Where a release of Node has it otherwise, and over TLS, bytes come by 'data' events.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';

/** Takes the bytes of a socket. */
export interface ByteTaker {
  /**
   * @param bytes only the first `length` count, and only until it returns
   * @returns whether to go on reading; after a no nothing is read any more, and the peer's end is not noticed
   */
  take(bytes: Uint8Array, length: number): boolean;
}

/** Holds the largest message that a client may send in one or two reads; a flood fills it, and is judged, that often. */
const SHARED_BYTES = 4096;

/** Nothing is left in it from one read to the next, and reads of a loop come one after the other. */
const shared = Buffer.allocUnsafeSlow(SHARED_BYTES);

const TAKER = Symbol('taker');
type TakenSocket = Socket & { [TAKER]?: ByteTaker };

/** Where `net.Socket` keeps what its option `onread` sets. */
interface OnReadFields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** Looks where a socket of this release of Node keeps them; `undefined` where it does so in another way. */
export function findOnReadFields(): OnReadFields | undefined {
  const callback = (): boolean => true;
  const probe = new Socket({ onread: { buffer: shared, callback } } as SocketConstructorOpts);
  const symbols = Object.getOwnPropertySymbols(probe);
  const keeping = (value: unknown): symbol | undefined =>
    symbols.find((symbol) => Reflect.get(probe, symbol) === value);
  const fields = { buffer: keeping(shared), callback: keeping(callback) };
  probe.destroy();
  return fields.buffer === undefined || fields.callback === undefined
    ? undefined
    : { buffer: fields.buffer, callback: fields.callback };
}

const onReadFields = findOnReadFields();

/** The part of a TCP handle that the option uses. */
interface ReadHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

function readHandle(socket: Socket): ReadHandle | undefined {
  const handle = (socket as { _handle?: Partial<ReadHandle> | null })._handle;
  return typeof handle?.useUserBuffer === 'function' ? (handle as ReadHandle) : undefined;
}

/**
 * Hands everything that a socket brings to its taker: first what came with the upgrade and while the admission was decided.
 *
 * @param head bytes that came behind the request
 * @param fields where sockets keep `onread`; `undefined` reads by 'data' events
 */
export function readSocket(
  socket: Socket,
  head: Uint8Array,
  taker: ByteTaker,
  fields: OnReadFields | undefined = onReadFields,
): void {
  if (head.length > 0 && !taker.take(head, head.length)) return;
  for (let chunk = nextChunk(socket); chunk !== null; chunk = nextChunk(socket)) {
    if (!taker.take(chunk, chunk.length)) return;
  }
  (socket as TakenSocket)[TAKER] = taker;
  if (fields === undefined || !shareReads(socket, fields)) socket.on('data', onData);
}

function nextChunk(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

/** @returns whether the socket reads into the shared buffer now */
function shareReads(socket: Socket, { buffer, callback }: OnReadFields): boolean {
  const handle = readHandle(socket);
  // Unset in an accepted socket; were it missing, the fields would mean nothing to it.
  const isUnset = Reflect.get(socket, buffer) === null && Reflect.get(socket, callback) === null;
  if (handle === undefined || !isUnset || socket instanceof TLSSocket) return false;
  Reflect.set(socket, buffer, shared);
  Reflect.set(socket, callback, onShared);
  handle.useUserBuffer(shared);
  return true;
}

// Shared by all sockets: closures of their own would cost every idle client memory.

function onShared(this: TakenSocket, length: number, bytes: Uint8Array): boolean {
  return this[TAKER]?.take(bytes, length) ?? true;
}

function onData(this: TakenSocket, chunk: Buffer): void {
  if (this[TAKER]?.take(chunk, chunk.length) === false) this.pause();
}
