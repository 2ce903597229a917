import { type Server, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { refuseSocket } from './answer.ts';

export interface HttpServerSettings {
  /** In which a connection must have sent a whole request. */
  readonly handshakeTimeoutMs: number;
  /** Bytes of a request head. */
  readonly maxHeaderBytes: number;
}

/** Health checks come seconds apart: keeping their connections longer would only hold places of MAX_PENDING. */
const KEEP_ALIVE_MS = 1000;
/** The kernel notices vanished clients also while nothing is sent. */
const TCP_KEEP_ALIVE_MS = 60_000;
/** How often HANDSHAKE_TIMEOUT_MS is looked at within it. */
const TIMEOUT_CHECKS = 5;

/** An HTTP server with bounds on size and time of requests, which answers what is no request by itself. */
export function createHttpServer(settings: HttpServerSettings): Server {
  const server = createServer({
    maxHeaderSize: settings.maxHeaderBytes,
    headersTimeout: settings.handshakeTimeoutMs,
    requestTimeout: settings.handshakeTimeoutMs,
    connectionsCheckingInterval: Math.max(Math.floor(settings.handshakeTimeoutMs / TIMEOUT_CHECKS), 1),
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
    noDelay: true,
  });
  server.on('clientError', onClientError);
  return server;
}

/** Answers what is no HTTP request, or came too late or too large, and ends the connection. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) socket.destroy();
  else if (error.code === 'HPE_HEADER_OVERFLOW')
    refuseSocket(socket, { status: 431, message: 'Request header too large' });
  else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') refuseSocket(socket, { status: 408, message: 'Request timeout' });
  else refuseSocket(socket, { status: 400, message: 'Bad request' });
}
