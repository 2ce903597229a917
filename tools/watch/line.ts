import { stripVTControlCharacters } from 'node:util';
import type { Position } from '../../shared/flashblock.ts';
import type { WatchedMessage } from './message.ts';

export interface Arrival {
  readonly message: WatchedMessage;
  /** Unix milliseconds. */
  readonly atMs: number;
  /** Milliseconds since the message before; absent for the first. */
  readonly intervalMs?: number;
}

/** Text of a server, fit for a terminal: no control characters, and not endless. */
export function printable(text: string, maxLength = 120): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is removed
  const clean = stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}...` : clean;
}

/** A position as `prev_flashblock_id` writes it. */
export function formatPosition({ blockNumber, index }: Position): string {
  return `${blockNumber}-${index}`;
}

/** One line for people, without its line end. */
export function formatText({ message, atMs, intervalMs }: Arrival): string {
  const { flashblock, plainBytes, wireBytes, encoding } = message;
  const time = new Date(atMs).toISOString().slice(11, 23);
  const what =
    flashblock === undefined
      ? 'no flashblock'.padEnd(41)
      : [
          formatPosition(flashblock.head.position).padEnd(12),
          printable(flashblock.head.payloadId, 20).padEnd(18),
          `${flashblock.transactions} txs`.padStart(7),
        ].join('  ');
  const interval = intervalMs === undefined ? '' : `  +${intervalMs.toFixed(1)} ms`;
  return `${time}  ${what}  ${String(plainBytes).padStart(7)} B  ${String(wireBytes).padStart(7)} B ${encoding}${interval}`;
}

/** One JSON object, without its line end. Fields: see the help of `flashcast watch`. */
export function formatJson({ message, atMs, intervalMs }: Arrival): string {
  const { flashblock, plainBytes, wireBytes, encoding } = message;
  return JSON.stringify({
    time: new Date(atMs).toISOString(),
    ...(flashblock !== undefined && {
      block: flashblock.head.position.blockNumber,
      index: flashblock.head.position.index,
      payload_id: flashblock.head.payloadId,
      transactions: flashblock.transactions,
    }),
    plain_bytes: plainBytes,
    wire_bytes: wireBytes,
    encoding,
    ...(intervalMs !== undefined && { interval_ms: Math.round(intervalMs * 1000) / 1000 }),
  });
}
