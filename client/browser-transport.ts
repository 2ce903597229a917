/** A WebSocket as browsers, and Node from 22 on, have it: no headers, no pings, no pause. */
import { printable } from './printable.ts';
import { CLOSE_TIMEOUT_MS, type ConnectionEnd, type OpenTransport } from './transport.ts';

interface SocketEvents {
  readonly open: unknown;
  readonly message: { readonly data: unknown };
  readonly close: { readonly code: number; readonly reason: string };
}

/** What is used of the standard's WebSocket. */
export interface StandardWebSocket {
  binaryType: string;
  close(code?: number): void;
  addEventListener<Type extends keyof SocketEvents>(type: Type, listener: (event: SocketEvents[Type]) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
}

export type StandardWebSocketClass = new (url: string) => StandardWebSocket;

const utf8 = new TextEncoder();

function bytesOf(data: unknown): Uint8Array | undefined {
  if (typeof data === 'string') return utf8.encode(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : undefined;
}

/**
 * Opens connections with the given class.
 *
 * @param maxMessageBytes a larger message ends the client, as another connection would bring it again
 */
export function browserTransport(Socket: StandardWebSocketClass, maxMessageBytes: number): OpenTransport {
  return (url, listener) => {
    const socket = new Socket(url);
    socket.binaryType = 'arraybuffer';
    let opened = false;
    let done = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (what: ConnectionEnd): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      listener.ended(opened ? what : { kind: 'failed', reason: 'no connection: unreachable or refused' });
    };
    socket.addEventListener('open', () => {
      opened = true;
      listener.opened({});
    });
    socket.addEventListener('message', ({ data }) => {
      const bytes = bytesOf(data);
      if (bytes === undefined || done) return;
      if (bytes.length <= maxMessageBytes) listener.frame({ isText: typeof data === 'string', bytes });
      else {
        end({ kind: 'failed', reason: 'Max payload size exceeded', final: true });
        socket.close(1000);
      }
    });
    // What went wrong is not told to pages; 'close' follows.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => end({ kind: 'closed', code, reason: printable(reason) }));
    return {
      close: () => {
        socket.close(1000);
        // A browser waits a minute and longer for the answer to its Close; the client does not.
        timer ??= setTimeout(() => end({ kind: 'closed', code: 1006, reason: '' }), CLOSE_TIMEOUT_MS);
      },
    };
  };
}
