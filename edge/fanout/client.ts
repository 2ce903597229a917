import type { Socket } from 'node:net';
import type { FilterEntry } from '../filter/filter-index.ts';
import type { ClientEncoding } from '../stream/contract.ts';

/** What the fan-out uses of a client's socket. */
export type ClientSocket = Pick<Socket, 'write' | 'writableLength' | 'errored'> & {
  destroy(error?: Error): unknown;
};

/** Why a client is too slow: see `slownessOf`. */
export type Slowness = 'messages' | 'bytes' | 'time' | 'fell_out';

/**
 * A client as the fan-out sees it: a cursor into the ring and a socket. The fields are the fan-out's own, written by
 * {@link ClientWriter} and `Fanout` alone; what kind of connection stands behind them is the front's business.
 */
export abstract class Client {
  readonly socket: ClientSocket;
  readonly encoding: ClientEncoding;
  /** Ordinal of the next ring entry that it is to get. */
  cursor: number;
  /** Which messages it wants; `undefined`: all. */
  filter: FilterEntry | undefined = undefined;
  /** Where it stands in the fan-out's list; -1 when it is not in it. */
  index = -1;
  /** The socket holds bytes that the kernel has not taken; nothing more is written until it has. */
  blocked = false;
  /** Ordinal of the message that is among those bytes; `undefined`: none is. */
  inFlight: number | undefined = undefined;
  /** Its cursor has not reached the ring's head since it joined behind it or since the last burst. */
  catchingUp = false;
  /** It waits its turn to be caught up; rounds pass it over. */
  queued = false;
  /** It waits for a position that the stream has yet to come to; nothing is sent until then. */
  held = false;
  /** When the socket last took a byte, or began to wait; meaningful while blocked. Monotonic milliseconds. */
  progressAt = 0;
  /** What its socket's progress was known by when last looked at; meaningful while blocked. */
  progressMark = 0;
  /** Answer to the newest ping that came while blocked. */
  pendingPong: Buffer | undefined = undefined;

  constructor(socket: ClientSocket, encoding: ClientEncoding, cursor: number) {
    this.socket = socket;
    this.encoding = encoding;
    this.cursor = cursor;
  }

  /** How it is counted; stays what it was when the client has been removed. */
  get kind(): 'plain' | 'filtered' {
    return this.filter === undefined ? 'plain' : 'filtered';
  }

  /** Whether frames may be written: the closing handshake has not begun. */
  abstract get open(): boolean;

  /** Ends the connection for being too slow. After it `open` is false. */
  abstract tooSlow(slowness: Slowness): void;
}
