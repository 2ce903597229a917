import type { FlashblockHead } from '../shared/flashblock.ts';

/** One message as an upstream delivered it, decoded to its plain form. */
export interface UpstreamMessage {
  /** Position of the upstream in UPSTREAM_WS, from 0. */
  readonly upstream: number;
  /** When its frame was read, in milliseconds of the process' monotonic clock (`performance.now()`). */
  readonly readAt: number;
  /** The same moment as Unix milliseconds with fractions. */
  readonly receivedAtMs: number;
  /** It was read within a second after the event loop had stood still for over a second (rule 5). */
  readonly afterStall: boolean;
  /** `json`: `content` is JSON by the consumers' rule; `raw`: the Binary frame as it came. */
  readonly kind: 'json' | 'raw';
  /** The plain JSON bytes, or the raw frame. */
  readonly content: Buffer;
  /** `contentHashOf(content)`. */
  readonly contentHash: string;
  /** Present when the message is a flashblock. */
  readonly head?: FlashblockHead;
}
