/** A WebSocket by `ws`: headers, pings, refusals with their status, and a socket that can be paused. */
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ResumeOutcome } from './event.ts';
import type { Position } from './message.ts';
import { printable } from './printable.ts';
import { CLOSE_TIMEOUT_MS, type ConnectionEnd, type Opening, type OpenTransport } from './transport.ts';

export interface NodeTransportOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly maxMessageBytes: number;
}

/** A refusal's JSON body is one sentence. */
const MAX_REFUSAL_BYTES = 1024;
const OUTCOMES: readonly string[] = ['complete', 'partial', 'live'] satisfies ResumeOutcome[];

/** The message of flashcast's JSON body, where the refusal has one. */
async function readRefusal(response: IncomingMessage): Promise<string> {
  try {
    let body = '';
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > MAX_REFUSAL_BYTES) return '';
    }
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? printable(message) : '';
  } catch {
    return '';
  }
}

function readPosition(text: string | undefined): Position | undefined {
  const match = /^(\d{1,16})-(\d{1,5})$/.exec(text ?? '');
  return match === null ? undefined : { blockNumber: Number(match[1]), index: Number(match[2]) };
}

/** The part of `Retry-After` that flashcast sends: seconds. However many there are, they ask for patience. */
function readRetryAfter(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

function readOpening({ headers }: IncomingMessage): Opening {
  const outcome = one(headers['flashcast-resume']);
  const from = readPosition(one(headers['flashcast-from']));
  return {
    ...(outcome !== undefined && OUTCOMES.includes(outcome) && { resume: outcome as ResumeOutcome }),
    ...(from !== undefined && { from }),
  };
}

function describeError(error: Error & { readonly code?: unknown }): ConnectionEnd {
  // The messages of these errors name a host at most; the URL with its secrets stays out of them. A dial over several
  // addresses fails with an AggregateError, whose own message is empty.
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const final = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
  return { kind: 'failed', reason: printable(cause.message), ...(final && { final }) };
}

/** Opens connections that send these headers. */
export function nodeTransport({ headers, maxMessageBytes }: NodeTransportOptions): OpenTransport {
  return (url, listener) => {
    // The timeout is also that of a server that closes, or breaks the protocol, and then keeps the socket open.
    const options = {
      ...{ perMessageDeflate: false, maxPayload: maxMessageBytes, closeTimeout: CLOSE_TIMEOUT_MS },
      headers,
    };
    const socket = new WebSocket(url, options);
    let end: ConnectionEnd | undefined;
    socket.on('upgrade', (response) => {
      socket.once('open', () => listener.opened(readOpening(response)));
    });
    socket.on('message', (data: Buffer, isBinary) => listener.frame({ isText: !isBinary, bytes: data }));
    socket.on('ping', () => listener.heard());
    socket.on('pong', () => listener.heard());
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      const retryAfterMs = readRetryAfter(response.headers['retry-after']);
      const status = response.statusCode ?? 0;
      void readRefusal(response).then((reason) => {
        end = { kind: 'refused', status, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
        socket.terminate();
      });
    });
    socket.on('error', (error) => {
      end ??= describeError(error);
    });
    socket.on('close', (code, reason) => {
      listener.ended(end ?? { kind: 'closed', code, reason: printable(reason.toString('utf8')) });
    });
    return {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      ping: () => {
        if (socket.readyState === WebSocket.OPEN) socket.ping();
      },
      close: () => {
        if (socket.readyState !== WebSocket.OPEN) {
          socket.terminate();
          return;
        }
        socket.close(1000);
        socket.resume();
      },
    };
  };
}
