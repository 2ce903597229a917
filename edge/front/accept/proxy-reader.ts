import type { Socket } from 'node:net';
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from './proxy-header.ts';

export interface ProxyHeaderReader {
  /** Called once with the client's address, `undefined` where the header names none. What the client sent behind it stays unread. */
  read(address: string | undefined): void;
  /** The connection begins otherwise. */
  invalid(): void;
}

/** Reads the PROXY protocol's header off a connection. One that ends before it is destroyed; one that does not go on is its owner's to end. */
export function readProxyHeader(socket: Socket, reader: ProxyHeaderReader): void {
  let bytes = Buffer.alloc(0);
  const end = (): void => {
    socket.destroy();
  };
  const read = (): void => {
    for (let chunk = nextChunk(socket); chunk !== null; chunk = nextChunk(socket)) {
      bytes = Buffer.concat([bytes, chunk]);
      const header = parseProxyHeader(bytes.subarray(0, MAX_PROXY_HEADER_BYTES));
      if (header.kind === 'incomplete') continue;
      socket.off('readable', read).off('end', end);
      if (header.kind === 'invalid') {
        reader.invalid();
        return;
      }
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
      reader.read(header.address);
      return;
    }
  };
  socket.on('readable', read).on('end', end);
}

function nextChunk(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}
