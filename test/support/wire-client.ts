import { connect, type Socket } from 'node:net';
import { controlFrame, FrameCutter, OPCODE } from './raw-frames.ts';

export interface WireTarget {
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a {@link WireClient} tells its owner. */
export interface WireListener {
  /** The handshake was answered; header names are in lower case. */
  answered(status: number, headers: ReadonlyMap<string, string>): void;
  /** A frame of a connected client, as it came; the payload may be a view that is valid during the call alone. */
  frame(opcode: number, payload: Buffer): void;
  /** The last call. `fault`: what broke the protocol, if anything did. */
  closed(fault: Error | undefined): void;
}

/** A WebSocket client on a plain socket of 127.0.0.1: no more than a test looks at, so that thousands are cheap. */
export class WireClient {
  readonly #socket: Socket;
  readonly #listener: WireListener;
  readonly #frames = new FrameCutter();
  #head: string | undefined = '';
  #upgraded = false;
  #fault: Error | undefined;

  constructor({ port, path, headers = {} }: WireTarget, listener: WireListener) {
    this.#listener = listener;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${lines.join('')}\r\n`,
    );
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => listener.closed(this.#fault));
  }

  send(opcode: number, payload?: Buffer): void {
    this.#socket.write(controlFrame(opcode, payload));
  }
  /** Sends a Close frame, then ends the own side. */
  close(payload: Buffer): void {
    this.#socket.end(controlFrame(OPCODE.close, payload));
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#head === undefined ? chunk : this.#handshake(this.#head + chunk.toString('latin1'));
    if (!this.#upgraded || bytes === undefined) return;
    try {
      for (const { opcode, payload } of this.#frames.push(bytes)) this.#listener.frame(opcode, payload);
    } catch (error) {
      this.#fault = error as Error;
      this.#socket.destroy();
    }
  }

  /** @returns what came behind the answer's head, once that is whole */
  #handshake(head: string): Buffer | undefined {
    const end = head.indexOf('\r\n\r\n');
    this.#head = end === -1 ? head : undefined;
    if (end === -1) return undefined;
    const [first = '', ...lines] = head.slice(0, end).split('\r\n');
    const status = Number(first.split(' ')[1]);
    this.#upgraded = status === 101;
    this.#listener.answered(
      status,
      new Map(
        lines.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
      ),
    );
    return Buffer.from(head.slice(end + 4), 'latin1');
  }
}
