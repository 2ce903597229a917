import { connect, type Socket } from 'node:net';
import { monotonicMs } from '../stamp.ts';
import { FrameMeter, OPCODE, type FrameSink } from './frame-meter.ts';

export interface LoadTarget {
  readonly host: string;
  readonly port: number;
  /** The whole upgrade request. */
  readonly request: string;
}

/** What clients tell their herd; `now` is the time of the read, by {@link monotonicMs}. */
export interface LoadListener {
  opened(client: LoadClient, now: number): void;
  /** @param reason of a closed set: an HTTP status, or what became of the connection */
  refused(client: LoadClient, reason: string): void;
  /** @param payload of a client that reads; absent where it is too large */
  message(client: LoadClient, fingerprint: number, bytes: number, now: number, payload: Buffer | undefined): void;
  pong(client: LoadClient, tookMs: number): void;
  /** An open connection ended. */
  closed(client: LoadClient, reason: string): void;
}

export interface LoadClientOptions {
  readonly localAddress?: string | undefined;
  /** Whether messages are kept and handed on. */
  readonly reads: boolean;
  /** Silence, in milliseconds, after which an upgrade counts as refused. */
  readonly answerWithinMs?: number;
}

/** Sockets of a thread are read one after the other, and no byte is kept past its call. A usual message fits in one read. */
const READ_BUFFER = new Uint8Array(64 * 1024);
/** Largest message that is kept to be read. */
const MAX_READ_BYTES = 16 * 1024 * 1024;
/** Longest head of an answer; flashcast's has some 200 bytes. */
const MAX_HEAD_CHARS = 16 * 1024;
const HEAD_END = '\r\n\r\n';
/** A server that takes connections and answers none must not hold the load up. */
const ANSWER_WITHIN_MS = 10_000;

/** A control frame without payload, masked with zeros as a client's must be. */
function controlFrame(opcode: number): Buffer {
  return Buffer.from([0x80 | opcode, 0x80, 0, 0, 0, 0]);
}
const PING = controlFrame(OPCODE.ping);
const PONG = controlFrame(OPCODE.pong);
/** Code 1000. */
const CLOSE = Buffer.from([0x80 | OPCODE.close, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

function systemReason(error: NodeJS.ErrnoException): string {
  return error.code ?? 'error';
}

/** A WebSocket client on a plain socket, with as little around it as can be: thousands must not cost more than their server. */
export class LoadClient implements FrameSink {
  /** Its place in the herd. */
  readonly index: number;
  readonly #listener: LoadListener;
  readonly #socket: Socket;
  readonly #meter: FrameMeter;
  readonly connectAt = monotonicMs();
  /** Present where messages are read. */
  readonly piece?: (bytes: Uint8Array) => void;
  #pieces: Buffer[] = [];
  #head: string | undefined = '';
  #now = 0;
  #pingAt: number | undefined;
  #state: 'connecting' | 'open' | 'ended' = 'connecting';

  constructor(
    index: number,
    { host, port, request }: LoadTarget,
    listener: LoadListener,
    { localAddress, reads, answerWithinMs = ANSWER_WITHIN_MS }: LoadClientOptions,
  ) {
    this.index = index;
    this.#listener = listener;
    this.#meter = new FrameMeter(this);
    if (reads) this.piece = (bytes) => void this.#pieces.push(Buffer.from(bytes));
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      ...(localAddress !== undefined && { localAddress }),
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.write(request, 'latin1');
    this.#socket.on('error', (error) => this.#end(systemReason(error)));
    this.#socket.on('close', () => this.#end('connection ended'));
    this.#socket.setTimeout(answerWithinMs, () => this.#end('no answer'));
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** When the first byte of the latest message came. */
  get messageStartedAt(): number {
    return this.#meter.startedAt;
  }

  /**
   * Sends a bare Ping, as base nodes do each 500 ms.
   *
   * @returns `unanswered` when the one before still is: a base node leaves then
   */
  ping(): 'sent' | 'unanswered' {
    if (this.#pingAt !== undefined) return 'unanswered';
    this.#pingAt = monotonicMs();
    this.#socket.write(PING);
    return 'sent';
  }

  /** Leaves with a Close frame, without waiting for the answer. */
  leave(): void {
    if (this.#state === 'open') this.#socket.end(CLOSE);
    this.#state = 'ended';
    this.#socket.destroySoon();
  }

  message(fingerprint: number, bytes: number): void {
    const pieces = this.#pieces;
    if (pieces.length > 0) this.#pieces = [];
    const readable = pieces.length > 0 && bytes <= MAX_READ_BYTES;
    this.#listener.message(this, fingerprint, bytes, this.#now, readable ? Buffer.concat(pieces) : undefined);
  }

  control(opcode: number, lead: number): void {
    if (opcode === OPCODE.pong) {
      if (this.#pingAt !== undefined) this.#listener.pong(this, this.#now - this.#pingAt);
      this.#pingAt = undefined;
    } else if (opcode === OPCODE.ping) this.#socket.write(PONG);
    else if (opcode === OPCODE.close) this.#end(lead === 0 ? 'closed without a code' : `closed with ${lead}`);
  }

  #read(length: number): void {
    if (this.#state === 'ended') return;
    this.#now = monotonicMs();
    if (this.#head === undefined) this.#frames(0, length);
    else this.#answer(Buffer.from(READ_BUFFER.buffer, 0, length).toString('latin1'), length);
  }

  #frames(from: number, to: number): void {
    if (!this.#meter.read(READ_BUFFER, from, to, this.#now)) this.#end('protocol broken');
  }

  #answer(text: string, length: number): void {
    const head = (this.#head ?? '') + text;
    const end = head.indexOf(HEAD_END);
    this.#head = end === -1 ? head : undefined;
    if (end === -1) {
      if (head.length > MAX_HEAD_CHARS) this.#end('no HTTP answer');
      return;
    }
    const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
    if (status !== '101') {
      this.#end(status === undefined ? 'no HTTP answer' : `HTTP ${status}`);
      return;
    }
    this.#state = 'open';
    this.#socket.setTimeout(0);
    this.#listener.opened(this, this.#now);
    this.#frames(length - (head.length - end - HEAD_END.length), length);
  }

  #end(reason: string): void {
    const was = this.#state;
    if (was === 'ended') return;
    this.#state = 'ended';
    this.#socket.destroy();
    if (was === 'open') this.#listener.closed(this, reason);
    else this.#listener.refused(this, reason);
  }
}
