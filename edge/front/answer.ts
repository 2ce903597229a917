import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Refusal, rawAnswer, refusalBytes, refusalParts } from '../admission/refusal.ts';

type Answer = Pick<Refusal, 'status' | 'message' | 'headers'>;

/** A refused peer may read its answer and close for this long; one round trip of a bad link. */
const LINGER_MS = 1000;

/** Refuses a plain HTTP request. */
export function refuse(response: ServerResponse, answer: Answer): void {
  const { headers, body } = refusalParts(answer);
  response.writeHead(answer.status, headers).end(body);
}

/** Refuses on a socket that has left the HTTP server, or that the server can make no request of. */
export function refuseSocket(socket: Socket, answer: Answer): void {
  endSocket(socket, refusalBytes(answer));
}

/** An answer without a body on a socket that has left the HTTP server. */
export function answerSocket(socket: Socket, status: number): void {
  endSocket(socket, rawAnswer(status, { 'Content-Length': '0', Connection: 'close' }, ''));
}

/**
 * Writes the last bytes and ends the connection. What the peer still sends is read and dropped meanwhile: closing on unread
 * bytes would reset the connection and take the answer with it.
 */
function endSocket(socket: Socket, bytes: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
  socket.end(bytes);
  socket.resume();
}
