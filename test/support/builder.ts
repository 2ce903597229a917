import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { brotliCompressSync } from 'node:zlib';
import { WebSocketServer, type WebSocket } from 'ws';
import { Changes } from './changes.ts';
import { UpstreamHistory } from './upstream-history.ts';

/** What the builder does with a new connection. */
export type Reception =
  | 'accept'
  /** Answers 101, then cuts the connection. */
  | 'accept-and-drop'
  /** Answers 101, then closes cleanly with 1000. */
  | 'accept-and-close'
  /** Takes the request and never answers. */
  | 'ignore'
  /** Refuses with this HTTP status. */
  | number;

/** One dial, whatever came of it. */
export interface Attempt {
  /** Milliseconds of `performance.now()`. */
  readonly at: number;
  /** Path and query as requested. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** An accepted connection. */
export class BuilderConnection {
  readonly attempt: Attempt;
  readonly #socket: WebSocket;
  pings = 0;
  closed = false;
  closeCode: number | undefined;

  constructor(attempt: Attempt, socket: WebSocket, changes: Changes) {
    this.attempt = attempt;
    this.#socket = socket;
    socket.on('ping', () => {
      this.pings++;
      changes.notify();
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      this.closed = true;
      this.closeCode = code;
      changes.notify();
    });
  }

  /** Bytes that were sent and are not yet with the kernel. */
  get queuedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  sendText(json: Buffer | string): void {
    this.#socket.send(json, { binary: false });
  }
  sendBinary(bytes: Buffer): void {
    this.#socket.send(bytes, { binary: true });
  }
  sendBrotli(json: Buffer): void {
    this.sendBinary(brotliCompressSync(json));
  }
  ping(): void {
    this.#socket.ping();
  }
  /** Stops reading and so answering pings; the connection stays open. */
  freeze(): void {
    this.#socket.pause();
  }
  close(code = 1000): void {
    this.#socket.close(code);
  }
  /** Ends it without a Close frame. */
  cut(): void {
    this.#socket.terminate();
  }
}

/** A builder that does exactly what a test says: `const builder = use(await TestBuilder.start())`. */
export class TestBuilder implements AsyncDisposable {
  reception: Reception;
  readonly attempts: Attempt[] = [];
  /** Accepted ones, closed ones included, oldest first. */
  readonly connections: BuilderConnection[] = [];
  readonly changes = new Changes();
  readonly #http: Server;
  readonly #ignored = new Set<Duplex>();
  readonly #history: UpstreamHistory | undefined;

  private constructor(reception: Reception, history: UpstreamHistory | undefined) {
    this.reception = reception;
    this.#history = history;
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    this.#http = createServer((_request, response) => response.writeHead(426).end());
    this.#http.on('upgrade', (request, socket, head) => {
      const attempt = { at: performance.now(), url: request.url ?? '', headers: request.headers };
      this.attempts.push(attempt);
      const now = this.reception;
      socket.on('error', () => undefined);
      if (now === 'ignore') {
        this.#ignored.add(socket);
        socket.on('close', () => this.#ignored.delete(socket));
      } else if (typeof now === 'number') {
        socket.end(`HTTP/1.1 ${now} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      } else {
        sockets.handleUpgrade(request, socket, head, (client) => {
          const connection = new BuilderConnection(attempt, client, this.changes);
          this.connections.push(connection);
          for (const json of this.#history?.behind(attempt.url) ?? []) connection.sendText(json);
          if (now === 'accept-and-drop') connection.cut();
          if (now === 'accept-and-close') connection.close();
        });
      }
      this.changes.notify();
    });
  }

  /** @param options `resumes`: serves `block_number` and `flashblock_index` from what {@link sendText} sent */
  static async start(
    options: { readonly reception?: Reception; readonly port?: number; readonly resumes?: boolean } = {},
  ): Promise<TestBuilder> {
    const history = options.resumes === true ? new UpstreamHistory() : undefined;
    const builder = new TestBuilder(options.reception ?? 'accept', history);
    await new Promise<void>((resolve, reject) => {
      builder.#http.once('error', reject);
      builder.#http.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return builder;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }
  /** The connections that are open now. */
  get open(): readonly BuilderConnection[] {
    return this.connections.filter(({ closed }) => !closed);
  }

  /** Waits until so many connections are open and gives them. */
  async connected(count = 1): Promise<readonly BuilderConnection[]> {
    await this.changes.until(
      () => this.open.length >= count,
      () => `${count} connections to the builder (${this.open.length} are open)`,
    );
    return this.open;
  }

  /** Waits until so many dials were seen since the start. */
  async attempted(count: number): Promise<void> {
    await this.changes.until(
      () => this.attempts.length >= count,
      () => `${count} dials (${this.attempts.length} were seen)`,
    );
  }

  sendText(json: Buffer | string): void {
    this.#history?.add(Buffer.from(json));
    for (const connection of this.open) connection.sendText(json);
  }
  sendBinary(bytes: Buffer): void {
    for (const connection of this.open) connection.sendBinary(bytes);
  }
  sendBrotli(json: Buffer): void {
    for (const connection of this.open) connection.sendBrotli(json);
  }

  async stop(): Promise<void> {
    if (!this.#http.listening) return;
    const closed = new Promise((resolve) => this.#http.close(resolve));
    for (const connection of this.open) connection.cut();
    for (const socket of this.#ignored) socket.destroy();
    this.#http.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
