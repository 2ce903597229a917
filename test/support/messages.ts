import { contentHashOf } from '../../shared/envelope.ts';
import { readFlashblockHead, type Position } from '../../shared/flashblock.ts';
import type { UpstreamMessage } from '../../ingest/message.ts';

/** What a flashblock of a test says beside its position. */
interface FlashblockParts {
  readonly payloadId?: string;
  readonly note?: string;
  readonly transactions?: readonly string[];
  /** Logs, in a receipt of their own each. */
  readonly logs?: readonly { readonly address: string; readonly topics: readonly string[] }[];
}

/** A small flashblock as a builder would send it. */
export function flashblockJson(
  { blockNumber, index }: Position,
  {
    payloadId = `0x${blockNumber.toString(16).padStart(16, '0')}`,
    note = '',
    transactions = [],
    logs = [],
  }: FlashblockParts = {},
): Buffer {
  return Buffer.from(
    JSON.stringify({
      payload_id: payloadId,
      index,
      diff: { transactions, note },
      metadata: {
        block_number: blockNumber,
        ...(logs.length > 0 && {
          receipts: Object.fromEntries(logs.map((log, at) => [`0x${at}`, { Eip1559: { logs: [log] } }])),
        }),
      },
    }),
  );
}

/** A message as an upstream hands it on. */
export function upstreamMessage(
  content: Buffer,
  { upstream = 0, readAt = 0, kind = 'json' }: { upstream?: number; readAt?: number; kind?: 'json' | 'raw' } = {},
): UpstreamMessage {
  const head = kind === 'json' ? readFlashblockHead(content) : undefined;
  return {
    upstream,
    readAt,
    receivedAtMs: 1_700_000_000_000 + readAt,
    afterStall: false,
    kind,
    content,
    contentHash: contentHashOf(content),
    ...(head && { head }),
  };
}
