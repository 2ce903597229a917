/** The server's side of a WebSocket handshake (RFC 6455, 4.2). Of what clients offer nothing is agreed to: no subprotocol, no extension. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { refuseSocket } from '../answer.ts';

/** 16 bytes as base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** What the key is hashed with (1.3). */
const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** 8 is the last draft, which old clients name and which differs in nothing that matters here. */
const VERSIONS: readonly string[] = ['13', '8'];

const INVALID = {
  status: 400,
  message: 'Invalid WebSocket handshake',
  headers: { 'Sec-WebSocket-Version': VERSIONS.join(', ') },
};

type Request = Pick<IncomingMessage, 'headers'>;

/** Whether a list of subprotocols is one: tokens, each once. */
function isProtocolList(list: string): boolean {
  const names = list.split(',').map((name) => name.replace(/^[\t ]+|[\t ]+$/g, ''));
  return names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length;
}

/**
 * Answers a handshake.
 *
 * @param headers lines that the 101 carries beyond the protocol's own
 * @returns whether the socket is a WebSocket now; else it has been answered, or is destroyed
 */
export function upgrade(request: Request, socket: Socket, headers: readonly string[] = []): boolean {
  const answer = handshakeAnswer(request, headers);
  if (answer === undefined) refuseSocket(socket, INVALID);
  else if (!socket.readable || !socket.writable) socket.destroy();
  else {
    // A request before this one on the same connection may have set it.
    socket.setTimeout(0);
    socket.write(answer);
    return true;
  }
  return false;
}

/**
 * @param headers lines that the answer carries beyond the protocol's own
 * @returns the 101; `undefined` when the request is no handshake, though it asks for one
 */
export function handshakeAnswer({ headers: request }: Request, headers: readonly string[]): string | undefined {
  const key = request['sec-websocket-key'];
  const version = request['sec-websocket-version'];
  const protocols = request['sec-websocket-protocol'];
  if (key === undefined || !KEY.test(key) || version === undefined || !VERSIONS.includes(version)) return undefined;
  if (protocols !== undefined && !isProtocolList(protocols)) return undefined;
  const accept = createHash('sha1').update(key).update(KEY_SUFFIX).digest('base64');
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
    ...headers,
    '\r\n',
  ].join('\r\n');
}
