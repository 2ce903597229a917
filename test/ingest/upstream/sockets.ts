import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createHash } from 'node:crypto';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { Changes } from '../../support/changes.ts';

/** A WebSocket server whose every option and socket a test may touch. */
export class SocketServer implements AsyncDisposable {
  readonly server: WebSocketServer;
  readonly sockets: WebSocket[] = [];
  /** Paths and queries of the dials, refused ones too. */
  readonly dials: string[] = [];
  readonly changes = new Changes();

  private constructor(server: WebSocketServer) {
    this.server = server;
    server.on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.changes.notify();
      });
      this.changes.notify();
    });
  }

  /** @param statusOf the status that a path is refused with; without one it is accepted */
  static async start(
    options: ServerOptions = {},
    statusOf: (url: string) => number | undefined = () => undefined,
  ): Promise<SocketServer> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      ...(options.server === undefined && { port: 0 }),
      verifyClient: ({ req }, answer) => {
        const url = req.url ?? '';
        started.dials.push(url);
        const status = statusOf(url);
        answer(status === undefined, status);
        started.changes.notify();
      },
      ...options,
    });
    const started = new SocketServer(server);
    if (options.server === undefined) await once(server, 'listening');
    return started;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  async accepted(count = 1): Promise<WebSocket> {
    await this.changes.until(() => this.sockets.length >= count, `${count} accepted connections`);
    return this.sockets[count - 1]!;
  }

  async dialled(count: number): Promise<void> {
    await this.changes.until(() => this.dials.length >= count, `${count} dials`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Resolves when the other side has read all that was sent to it: it has answered a ping that came after. */
export async function allRead(socket: WebSocket): Promise<void> {
  const answered = once(socket, 'pong');
  socket.ping('all read?');
  await answered;
}

/** Lets what was just sent over the loopback be read, where no answer tells: some turns of the loop that both ends share. */
export async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A TCP server that answers the handshake by hand and then leaves the bytes to the test. */
export class RawServer implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  readonly changes = new Changes();
  readonly #server: Server;

  private constructor(answer: (key: string) => string) {
    this.#server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      let head = '';
      const read = (chunk: Buffer): void => {
        head += chunk.toString('latin1');
        if (!head.includes('\r\n\r\n')) return;
        socket.off('data', read);
        socket.resume();
        const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? '';
        socket.write(answer(key));
        this.sockets.push(socket);
        this.changes.notify();
      };
      socket.on('data', read);
    });
  }

  /** @param answer gives the answer to a handshake with this key */
  static async start(answer: (key: string) => string = acceptance): Promise<RawServer> {
    const raw = new RawServer(answer);
    raw.#server.listen(0, '127.0.0.1');
    await once(raw.#server, 'listening');
    return raw;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws`;
  }

  async accepted(): Promise<Socket> {
    await this.changes.until(() => this.sockets.length > 0, 'an accepted connection');
    return this.sockets[0]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The 101 of RFC 6455 4.2.2. */
function acceptance(key: string): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}
