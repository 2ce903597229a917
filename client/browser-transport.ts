/** A WebSocket as browsers, and Node from 22 on, have it: no headers, no pings, no pause. */
import { printable } from './printable.ts';
import { CLOSE_TIMEOUT_MS, type OpenTransport } from './transport.ts';

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

/** Opens connections with the given class; default the global `WebSocket`. */
export function browserTransport(Socket: StandardWebSocketClass): OpenTransport {
  return (url, listener) => {
    const socket = new Socket(url);
    socket.binaryType = 'arraybuffer';
    let opened = false;
    let done = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (code: number, reason: string): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      if (opened) listener.ended({ kind: 'closed', code, reason: printable(reason) });
      else listener.ended({ kind: 'failed', reason: 'no connection: unreachable or refused' });
    };
    socket.addEventListener('open', () => {
      opened = true;
      listener.opened({});
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') listener.frame({ isText: true, bytes: utf8.encode(data) });
      else if (data instanceof ArrayBuffer) listener.frame({ isText: false, bytes: new Uint8Array(data) });
    });
    // What went wrong is not told to pages; 'close' follows.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => end(code, reason));
    return {
      close: () => {
        socket.close(1000);
        // A browser waits a minute and longer for the answer to its Close; the client does not.
        timer ??= setTimeout(() => end(1006, ''), CLOSE_TIMEOUT_MS);
      },
    };
  };
}
