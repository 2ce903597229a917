import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { printable } from './line.ts';

/** Why following a stream came to its end. */
export type End =
  /** `onMessage` said so. */
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupted' }
  /** Never connected, refused, or broken; or nothing came in time. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

export interface FollowOptions {
  readonly url: URL;
  /** Longest wait for the connection and from message to message; 0 for any. */
  readonly timeoutMs: number;
  readonly interrupted: AbortSignal;
  /** A promise pauses the connection until it settles; `done` ends it. */
  readonly onMessage: (payload: Buffer, isBinary: boolean) => 'done' | Promise<unknown> | undefined;
}

/** Frames past this are no flashblocks; the connection is closed with 1009. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** How long the server may take to answer our Close before the socket is destroyed. */
const CLOSE_TIMEOUT_MS = 500;
/** A refusal's JSON body is one sentence. */
const MAX_REFUSAL_BYTES = 1024;

/** The status of a refused upgrade and, where the body is flashcast's JSON, its message. */
async function readRefusal(response: IncomingMessage): Promise<string> {
  const status = `refused with HTTP status ${response.statusCode ?? 0}`;
  try {
    let body = '';
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > MAX_REFUSAL_BYTES) return status;
    }
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? `${status}: ${printable(message)}` : status;
  } catch {
    return status;
  }
}

/** Follows a stream to its end. Resolves when the socket is gone; never rejects. */
export async function follow(options: FollowOptions): Promise<End> {
  const { url, timeoutMs, interrupted, onMessage } = options;
  if (interrupted.aborted) return { kind: 'interrupted' };
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES });
  let end: End | undefined;
  let closeTimer: NodeJS.Timeout | undefined;

  const finish = (reason: End): void => {
    if (end !== undefined) return;
    end = reason;
    if (socket.readyState === WebSocket.OPEN) {
      socket.close(1000);
      socket.resume();
      closeTimer = setTimeout(() => {
        socket.terminate();
      }, CLOSE_TIMEOUT_MS);
    } else socket.terminate();
  };
  const silence =
    timeoutMs === 0
      ? undefined
      : setTimeout(() => {
          const what = socket.readyState === WebSocket.CONNECTING ? 'no connection' : 'no message';
          finish({ kind: 'failed', reason: `${what} within ${timeoutMs} ms` });
        }, timeoutMs);
  const onInterrupt = (): void => {
    finish({ kind: 'interrupted' });
  };
  interrupted.addEventListener('abort', onInterrupt, { once: true });

  return new Promise((resolve) => {
    socket.on('open', () => silence?.refresh());
    socket.on('message', (data: Buffer, isBinary) => {
      if (end !== undefined) return;
      silence?.refresh();
      const next = onMessage(data, isBinary);
      if (next === 'done') finish({ kind: 'done' });
      else if (next !== undefined) {
        socket.pause();
        const resume = (): void => {
          socket.resume();
        };
        next.then(resume, resume);
      }
    });
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      void readRefusal(response).then((reason) => {
        finish({ kind: 'failed', reason });
      });
    });
    // The messages of these errors name a host at most; the URL with its secrets stays out of them.
    socket.on('error', (error) => {
      finish({ kind: 'failed', reason: printable(error.message) });
    });
    socket.on('close', (code, reason) => {
      clearTimeout(silence);
      clearTimeout(closeTimer);
      interrupted.removeEventListener('abort', onInterrupt);
      resolve(end ?? { kind: 'closed', code, reason: printable(reason.toString('utf8')) });
    });
  });
}
