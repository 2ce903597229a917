import { printable } from '../../client/printable.ts';
import type { Position } from '../../client/node.ts';
import type { Facts, FlashblockFacts } from './facts.ts';

/** A position as `prev_flashblock_id` writes it. */
function formatPosition({ blockNumber, index }: Position): string {
  return `${blockNumber}-${index}`;
}

/** Gas in millions, as blocks have it. */
export function formatGas(gas: number | undefined): string {
  return gas === undefined ? '' : `${(gas / 1e6).toFixed(1)}M`;
}

/** How late a flashblock came: by the builder's stamp, or else as seen from the time of its block. */
export function formatLatency({ latencyMs, sinceBlockMs }: FlashblockFacts): string {
  if (latencyMs !== undefined) return `${latencyMs.toFixed(1)} ms`;
  if (sinceBlockMs === undefined) return '';
  return `${sinceBlockMs < 0 ? '' : '+'}${(sinceBlockMs / 1000).toFixed(2)} s`;
}

/** What is worth telling of a flashblock's place in the order: where a base node would not simply go on. */
export function describeOrder({ order, position, expected = [] }: FlashblockFacts): string | undefined {
  const at = formatPosition(position);
  switch (order) {
    case 'first':
    case 'next':
    case 'unknown':
      return undefined;
    case 'repeat':
      return `${at} came again`;
    case 'restart':
      return `a new run begins at ${at}`;
    case 'gap':
      return `gap: expected ${expected.map(formatPosition).join(' or ')}, got ${at}`;
    case 'late':
      return `late: expected ${expected.map(formatPosition).join(' or ')}, got ${at}`;
  }
}

/** One line for people, without its line end. */
export function formatText({ flashblock, plainBytes, wireBytes, encoding, atMs, intervalMs }: Facts): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const what =
    flashblock === undefined
      ? 'no flashblock'.padEnd(50)
      : [
          formatPosition(flashblock.position).padEnd(12),
          printable(flashblock.payloadId, 20).padEnd(18),
          `${flashblock.transactions} txs`.padStart(7),
          formatGas(flashblock.gasUsed).padStart(7),
        ].join('  ');
  const interval = intervalMs === undefined ? '' : `  +${intervalMs.toFixed(1)} ms`;
  const latency = flashblock?.latencyMs === undefined ? '' : `  latency ${formatLatency(flashblock)}`;
  return `${time}  ${what}  ${String(plainBytes).padStart(7)} B  ${String(wireBytes).padStart(7)} B ${encoding}${interval}${latency}`;
}

const micros = (ms: number): number => Math.round(ms * 1000) / 1000;

/** One JSON object, without its line end. Fields: see the help of `flashcast watch`. */
export function formatJson({ flashblock, plainBytes, wireBytes, encoding, atMs, intervalMs }: Facts): string {
  return JSON.stringify({
    time: new Date(atMs).toISOString(),
    ...(flashblock !== undefined && {
      block: flashblock.position.blockNumber,
      index: flashblock.position.index,
      payload_id: flashblock.payloadId,
      order: flashblock.order,
      transactions: flashblock.transactions,
      gas_used: flashblock.gasUsed,
    }),
    plain_bytes: plainBytes,
    wire_bytes: wireBytes,
    encoding,
    ...(intervalMs !== undefined && { interval_ms: micros(intervalMs) }),
    ...(flashblock?.latencyMs !== undefined && { latency_ms: micros(flashblock.latencyMs) }),
    ...(flashblock?.sinceBlockMs !== undefined && { since_block_ms: flashblock.sinceBlockMs }),
  });
}
