import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Position } from '../../shared/flashblock.ts';
import { SentHistory } from './history.ts';

/** A client that reads this much slower than the stream is cut off; a minute of usual traffic fits. */
const MAX_CLIENT_QUEUE_BYTES = 16 * 1024 * 1024;
/** A builder serves a few proxies; whoever wants more clients puts a proxy in front. */
const MAX_CLIENTS = 200;
/** Clients of a publisher send nothing but control frames. */
const MAX_INBOUND_BYTES = 4096;
/** How long clients have to answer a Close before their sockets are destroyed. */
const CLOSE_TIMEOUT_MS = 500;

/**
 * The WebSocket side of a builder: every path upgrades, every client gets every frame from then on, and before it what it missed where
 * its query names a position.
 */
export class Publisher {
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #host: string;
  readonly #port: number;
  readonly #history = new SentHistory();
  #listening: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** @param options `port` 0 takes a free one */
  constructor(options: { readonly host: string; readonly port: number }) {
    this.#host = options.host;
    this.#port = options.port;
    this.#http = createServer((_request, response) => {
      response.writeHead(426, { Upgrade: 'websocket' }).end();
    });
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: MAX_INBOUND_BYTES,
    });
    this.#http.on('upgrade', (request, socket, head) => {
      if (this.clients >= MAX_CLIENTS) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        // A broken client ends in 'close', which takes it off the list; nothing else is to be done about it.
        client.on('error', () => undefined);
        this.#sockets.emit('connection', client, request);
        for (const { payload, binary } of this.#history.behind(request.url ?? ''))
          client.send(payload, { binary, compress: false });
      });
    });
  }

  /** Connections that are open. */
  get clients(): number {
    return this.#sockets.clients.size;
  }

  /** @throws Error when it does not listen */
  get port(): number {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('the publisher does not listen');
    return (address satisfies AddressInfo).port;
  }

  /** `ws://HOST:PORT/`, once it listens; any path will do. */
  get url(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `ws://${host}:${this.port}/`;
  }

  /** Resolves with true when somebody is connected, with false when the signal is aborted before. */
  async hasClient(signal: AbortSignal): Promise<boolean> {
    while (this.clients === 0 && !signal.aborted)
      await once(this.#sockets, 'connection', { signal }).catch(() => undefined);
    return !signal.aborted;
  }

  /** Resolves when it listens, or was stopped before; rejects with the system's error (EADDRINUSE, EACCES). */
  async start(): Promise<void> {
    if (this.#stopped !== undefined) return;
    this.#listening ??= this.#listen();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.#port, this.#host, () => {
        this.#http.off('error', reject);
        resolve();
      });
    });
  }

  /**
   * Sends one frame to all.
   *
   * @param position where its message stands, if it is a flashblock: what clients resume at
   */
  send(payload: Buffer, binary: boolean, position?: Position): void {
    this.#history.add({ payload, binary, position });
    for (const client of this.#sockets.clients) {
      if (client.readyState !== client.OPEN) continue;
      if (client.bufferedAmount > MAX_CLIENT_QUEUE_BYTES) client.terminate();
      else client.send(payload, { binary, compress: false });
    }
  }

  /** Cuts every connection without a Close frame. */
  dropConnections(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  /** Closes the clients with 1001 and stops listening. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // A server that is about to listen cannot be closed yet.
    await this.#listening?.catch(() => undefined);
    const closed = new Promise<void>((resolve) => {
      if (this.#http.listening)
        this.#http.close(() => {
          resolve();
        });
      else resolve();
    });
    await Promise.all([...this.#sockets.clients].map((client) => closeClient(client)));
    this.#http.closeAllConnections();
    await closed;
  }
}

async function closeClient(client: WebSocket): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      client.terminate();
    }, CLOSE_TIMEOUT_MS);
    client.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    client.close(1001, 'the builder stops');
  });
}
