import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Server, type ServerOptions, WebSocketServer } from 'ws';
import { refuseSocket } from './answer.ts';
import { ClientWebSocket } from './connection.ts';

/** Bytes of a client's message; clients have nothing to say (client-protocol: "Frames to clients"). */
const MAX_CLIENT_MESSAGE_BYTES = 4096;
/** Frames of one message and reads it may come in: a message of 4 KiB needs one of each, or a few on a bad link. */
const MAX_FRAGMENTS = 20;
const MAX_READS = 64;
/** A closing handshake that takes longer is cut off; a live client answers within a round trip. */
const CLOSE_TIMEOUT_MS = 2000;

/**
 * ws as the edge uses it: handshakes of sockets that an HTTP server hands over, and inbound frames. It sends no data, negotiates
 * no extension, keeps no list and answers no ping by itself.
 */
export class ClientWebSocketServer {
  readonly #server: Server<typeof ClientWebSocket>;
  /** Header lines for the handshake that is under way. */
  #headers: readonly string[] = [];

  constructor() {
    const options: ServerOptions<typeof ClientWebSocket> & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Without this ws would agree to whatever a client offers first.
      handleProtocols: () => false,
      autoPong: false,
      maxPayload: MAX_CLIENT_MESSAGE_BYTES,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_READS,
      // Text is ignored, so nobody reads what this would check.
      skipUTF8Validation: true,
      closeTimeout: CLOSE_TIMEOUT_MS,
      WebSocket: ClientWebSocket,
    };
    this.#server = new WebSocketServer(options);
    this.#server.on('wsClientError', (_error: Error, socket: Socket) => {
      refuseSocket(socket, {
        status: 400,
        message: 'Invalid WebSocket handshake',
        headers: { 'Sec-WebSocket-Version': '13, 8' },
      });
    });
    this.#server.on('headers', (headers: string[]) => headers.push(...this.#headers));
  }

  /**
   * Answers a handshake.
   *
   * @param headers lines that the 101 carries beyond the protocol's own
   * @returns `undefined` when the handshake failed; its socket has been answered then, or is destroyed
   */
  upgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    headers: readonly string[] = [],
  ): ClientWebSocket | undefined {
    const upgraded: ClientWebSocket[] = [];
    this.#headers = headers;
    // ws calls back before it returns, or never: see its completeUpgrade.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => upgraded.push(webSocket));
    return upgraded[0];
  }

  close(): void {
    this.#server.close();
  }
}
