import { type Server, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { refuseSocket } from '../answer.ts';

export interface HttpServerSettings {
  /** Bytes of a request head. */
  readonly maxHeaderBytes: number;
}

/** Health checks come seconds apart: keeping their connections longer would only hold places of MAX_PENDING. */
const KEEP_ALIVE_MS = 1000;
/** A balancer that checks twice a second opens a new connection each minute. */
const MAX_REQUESTS_PER_CONNECTION = 128;

/**
 * HTTP on connections that are handed to it with `emit('connection', ...)`; it listens to no port, and how long a request may take
 * is their owner's to see to. What is no request it answers by itself.
 */
export function createHttpServer(settings: HttpServerSettings): Server {
  const server = createServer({
    maxHeaderSize: settings.maxHeaderBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Asked for with the other rules: Node looks at it in plain requests only.
    requireHostHeader: false,
  });
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  // Node would leave out what is over its number without a word, and with it the line that a proxy has added at the end.
  server.maxHeadersCount = 0;
  server.on('clientError', onClientError);
  return server;
}

/** Answers what is no HTTP request, or is too large, and ends the connection. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW')
    refuseSocket(socket, { status: 431, message: 'Request header too large' });
  else refuseSocket(socket, { status: 400, message: 'Bad request' });
}

/** Tells a peer that its time is up, unless it has had an answer already. */
export function refuseLate(socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) socket.destroy();
  else refuseSocket(socket, { status: 408, message: 'Request timeout' });
}
