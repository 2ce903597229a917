import { decompressBounded } from '../../shared/codec/brotli.ts';
import { isJsonByConsumersRule } from '../../shared/codec/json-rule.ts';
import { contentHashOf } from '../../shared/envelope.ts';
import { readFlashblockHead, type FlashblockHead } from '../../shared/flashblock.ts';

/** A frame as a consumer reads it. */
export interface WatchedMessage {
  /** How it came: `text` frame, Binary JSON, Binary brotli, or Binary that is neither. */
  readonly encoding: 'text' | 'identity' | 'br' | 'raw';
  readonly wireBytes: number;
  readonly plainBytes: number;
  /** Present when it is a flashblock. */
  readonly flashblock?: {
    readonly head: FlashblockHead;
    /** Transactions of its `diff`. */
    readonly transactions: number;
    readonly contentHash: string;
  };
}

/** Longest plain form that is inflated; some chains' messages exceed 1 MB, none comes near this. */
const MAX_PLAIN_BYTES = 64 * 1024 * 1024;

function inflate(bytes: Buffer): Buffer | undefined {
  const result = decompressBounded(bytes, MAX_PLAIN_BYTES);
  return result.ok && isJsonByConsumersRule(result.plain) ? result.plain : undefined;
}

function countTransactions(plain: Buffer): number {
  const message = JSON.parse(plain.toString('utf8')) as { diff?: { transactions?: unknown } | null };
  const transactions = message.diff?.transactions;
  return Array.isArray(transactions) ? transactions.length : 0;
}

/** The JSON of a frame's payload by the consumers' rule; `undefined` for what is neither JSON nor brotli of it. */
export function readPlain(payload: Buffer): Buffer | undefined {
  return isJsonByConsumersRule(payload) ? payload : inflate(payload);
}

/** Reads one frame, whatever its encoding, by the consumers' rule (client-protocol, "Frames to clients"). */
export function readMessage(payload: Buffer, isBinary: boolean): WatchedMessage {
  const json = !isBinary || isJsonByConsumersRule(payload);
  const plain = json ? payload : inflate(payload);
  const head = plain && readFlashblockHead(plain);
  return {
    encoding: !isBinary ? 'text' : json ? 'identity' : plain === undefined ? 'raw' : 'br',
    wireBytes: payload.length,
    plainBytes: plain?.length ?? payload.length,
    ...(plain !== undefined &&
      head !== undefined && {
        flashblock: { head, transactions: countTransactions(plain), contentHash: contentHashOf(plain) },
      }),
  };
}
