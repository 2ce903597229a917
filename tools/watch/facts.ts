import type { Order, Position, StreamMessage } from '../../client/node.ts';
import { monotonicMs, readStamp } from '../stamp.ts';

/** What is shown of a flashblock. */
export interface FlashblockFacts {
  readonly position: Position;
  readonly payloadId: string;
  readonly order: Order;
  /** For `gap` and `late`: what a base node would have gone on with. */
  readonly expected?: readonly Position[];
  /** Transactions of its `diff`. */
  readonly transactions: number;
  /** Gas of the block up to this flashblock, where it says so. */
  readonly gasUsed?: number;
  /** Milliseconds since the builder sent it, where it carries a stamp of this machine's clock. */
  readonly latencyMs?: number;
  /** Milliseconds since the block's own time, below 0 before it; known once index 0 of the block came. */
  readonly sinceBlockMs?: number;
}

/** What is shown of a message. */
export interface Facts {
  readonly encoding: StreamMessage['encoding'];
  readonly wireBytes: number;
  readonly plainBytes: number;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Milliseconds since the message before; absent for the first. */
  readonly intervalMs?: number;
  readonly flashblock?: FlashblockFacts;
}

/** Block times further away than this are a replay's or a test chain's, and say nothing about the way here. */
const MAX_BLOCK_AGE_MS = 60_000;

function readHex(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,13}$/i.test(value)) return undefined;
  return Number(value);
}

/** Reads what is shown of messages, one by one: a block's time comes with its index 0 only. */
export class FactsReader {
  #lastAt: number | undefined;
  #block: { readonly payloadId: string; readonly timeMs: number } | undefined;
  readonly #monotonicMs: () => number;

  /** @param clock the clock of stamps; default this machine's */
  constructor(clock: () => number = monotonicMs) {
    this.#monotonicMs = clock;
  }

  read(message: StreamMessage): Facts {
    const { encoding, frame, plain, receivedAtMs, receivedAtMonotonicMs } = message;
    const intervalMs = this.#lastAt === undefined ? undefined : receivedAtMonotonicMs - this.#lastAt;
    this.#lastAt = receivedAtMonotonicMs;
    return {
      encoding,
      wireBytes: frame.bytes.length,
      plainBytes: plain.length,
      atMs: receivedAtMs,
      ...(intervalMs !== undefined && { intervalMs }),
      ...(message.kind === 'flashblock' && { flashblock: this.#readFlashblock(message) }),
    };
  }

  #readFlashblock(message: StreamMessage & { readonly kind: 'flashblock' }): FlashblockFacts {
    const { position, payloadId, order, expected, flashblock, plain, receivedAtMs, receivedAtMonotonicMs } = message;
    const transactions = flashblock.diff?.['transactions'];
    const gasUsed = readHex(flashblock.diff?.['gas_used']);
    const seconds = readHex(flashblock.base?.['timestamp']);
    if (seconds !== undefined) this.#block = { payloadId, timeMs: seconds * 1000 };
    const sinceBlockMs = this.#block?.payloadId === payloadId ? receivedAtMs - this.#block.timeMs : undefined;
    const sentAt = readStamp(Buffer.from(plain.buffer, plain.byteOffset, plain.length));
    // The stamp's clock and the receipt's differ by their origins only.
    const latencyMs =
      sentAt === undefined ? undefined : this.#monotonicMs() - performance.now() + receivedAtMonotonicMs - sentAt;
    return {
      position,
      payloadId,
      order,
      ...(expected !== undefined && { expected }),
      transactions: Array.isArray(transactions) ? transactions.length : 0,
      ...(gasUsed !== undefined && { gasUsed }),
      ...(latencyMs !== undefined && latencyMs >= 0 && latencyMs < MAX_BLOCK_AGE_MS && { latencyMs }),
      ...(sinceBlockMs !== undefined && Math.abs(sinceBlockMs) < MAX_BLOCK_AGE_MS && { sinceBlockMs }),
    };
  }
}
