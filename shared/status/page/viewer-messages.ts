/** What the page and the worker that connects to the stream tell each other. */

/** From the page: connect. */
export interface ViewerRequest {
  readonly url: string;
}

/** One message as a client gets it. */
export interface ViewedMessage {
  /** Milliseconds of the worker's monotonic clock. */
  readonly at: number;
  readonly wireBytes: number;
  readonly plainBytes: number;
  readonly compressed: boolean;
  /** Absent when it is no flashblock. */
  readonly flashblock?: {
    readonly block: number;
    readonly index: number;
    readonly payloadId: string;
    readonly transactions: number;
  };
}

/** From the worker. */
export type ViewerEvent =
  | { readonly is: 'open' }
  | { readonly is: 'message'; readonly message: ViewedMessage }
  | { readonly is: 'unreadable'; readonly wireBytes: number }
  /** @property code of the Close frame; 1006 where there was none */
  | { readonly is: 'closed'; readonly code: number; readonly opened: boolean }
  | { readonly is: 'failed' };
