import type { IncomingMessage, ServerResponse } from 'node:http';

/** A whole answer of the operations server. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that goes on: its head is written, then `open` has the response. */
export interface Streamed {
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  open(response: ServerResponse): void;
}

/** What answers GET and HEAD on one path. */
export type Route = (request: IncomingMessage) => Answer | Streamed | Promise<Answer | Streamed>;

export function json(status: number, content: object): Answer {
  return { status, type: 'application/json', body: `${JSON.stringify(content)}\n` };
}
