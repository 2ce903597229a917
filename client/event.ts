import type { Position } from './message.ts';

/** How a server resumed: see docs/clients.md. */
export type ResumeOutcome = 'complete' | 'partial' | 'live';

/** What happens to a client beside messages. */
export type ClientEvent =
  | {
      readonly type: 'connected';
      /** Whether this is not the first connection. */
      readonly again: boolean;
      /** What the server says of the resume; absent where none was asked for, and in browsers, which cannot see it. */
      readonly resume?: ResumeOutcome;
      /** The first flashblock to come, where the server says so. */
      readonly from?: Position;
    }
  | {
      readonly type: 'disconnected';
      /** One sentence for people; never the URL. */
      readonly reason: string;
      /** The Close frame's code; 1006 where there was none. Absent where the connection never opened. */
      readonly code?: number;
      /** Milliseconds until the next dial; absent where there is none. */
      readonly retryInMs?: number;
    }
  | {
      readonly type: 'slow-reader';
      /** `paused`: the socket is not read until half of the buffer is. `left`: it cannot be paused, so the client left. */
      readonly action: 'paused' | 'left';
    };

/** The client ended for a reason that waiting does not cure. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** HTTP status of a refused handshake. */
  readonly status: number | undefined;
  /** Code of the Close frame that ended the last connection. */
  readonly code: number | undefined;

  constructor(message: string, detail: { readonly status?: number; readonly code?: number } = {}) {
    super(message);
    this.status = detail.status;
    this.code = detail.code;
  }
}
