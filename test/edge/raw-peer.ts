import { connect, type Socket } from 'node:net';
import { Changes } from '../support/changes.ts';
import { FrameCutter, type RawFrame } from '../support/raw-frames.ts';

/** The request of a WebSocket handshake. */
export function upgradeRequest(path = '/ws', headers: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: edge',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
    '\r\n',
  ].join('\r\n');
}

/** A plain socket that a test speaks HTTP or WebSocket on byte by byte. */
export class RawPeer implements AsyncDisposable {
  readonly socket: Socket;
  readonly changes = new Changes();
  readonly frames: RawFrame[] = [];
  readonly #cutter = new FrameCutter();
  #text = '';
  #headEnded = false;
  error: NodeJS.ErrnoException | undefined;
  closed = false;
  ended = false;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('data', (chunk) => this.#read(chunk));
    this.socket.on('end', () => {
      this.ended = true;
      this.changes.notify();
    });
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('close', () => {
      this.closed = true;
      this.changes.notify();
    });
  }

  /** A client that has its 101. */
  static async upgrade(port: number, path?: string, headers?: readonly string[]): Promise<RawPeer> {
    const peer = new RawPeer(port);
    peer.socket.write(upgradeRequest(path, headers));
    await peer.head();
    if (peer.status !== 101) throw new Error(`answered ${peer.text}`);
    return peer;
  }

  /** Everything up to the end of an upgrade's answer; without an upgrade, everything. */
  get text(): string {
    return this.#text;
  }

  get status(): number | undefined {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(this.#text)?.[1];
    return status === undefined ? undefined : Number(status);
  }

  /** Headers of the answer, names in lower case. */
  get headers(): ReadonlyMap<string, string> {
    const lines = this.#text.split('\r\n\r\n', 1)[0]?.split('\r\n').slice(1) ?? [];
    return new Map(
      lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
  }

  get body(): string {
    return this.#text.slice(this.#text.indexOf('\r\n\r\n') + 4);
  }

  async head(): Promise<void> {
    await this.changes.until(() => this.#text.includes('\r\n\r\n'), 'the head of an answer');
  }

  async end(): Promise<void> {
    await this.changes.until(() => this.closed, 'the end of a connection');
  }

  async received(count: number): Promise<readonly RawFrame[]> {
    await this.changes.until(
      () => this.frames.length >= count,
      () => `${count} frames, got ${this.frames.length}`,
    );
    return this.frames;
  }

  #read(chunk: Buffer): void {
    let bytes = chunk;
    if (!this.#headEnded) {
      const before = this.#text.length;
      this.#text += chunk.toString('latin1');
      const end = this.#text.indexOf('\r\n\r\n');
      if (end >= 0 && this.status === 101) {
        this.#headEnded = true;
        bytes = chunk.subarray(end + 4 - before);
        this.#text = this.#text.slice(0, end + 4);
      }
    }
    if (this.#headEnded) this.frames.push(...this.#cutter.push(Buffer.from(bytes)));
    this.changes.notify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.end();
  }
}
