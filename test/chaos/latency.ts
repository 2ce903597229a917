/** How long messages took from the builder to the clients. */
import type { BaseNode } from '../support/base-node.ts';
import type { World } from './world.ts';

/**
 * Milliseconds from the builder's send to each arrival, in ascending order.
 *
 * @param from messages that were published from then on, by `performance.now()`
 * @param until and before this
 */
export function latencies(
  { feed, fleet }: World,
  nodes: readonly BaseNode[],
  from = -Infinity,
  until = Infinity,
): readonly number[] {
  const publishedAt = new Map(feed.truth.entries.map((entry) => [entry.contentHash, entry.publishedAt]));
  const published = fleet.table.messages.map(({ contentHash }) => publishedAt.get(contentHash));
  return nodes
    .flatMap(({ received, receivedAt, seams }) => {
      // What it had before it first connected did not come here.
      const first = seams[0]?.at ?? received.length;
      return received.slice(first).flatMap((number, at) => {
        const sentAt = published[number];
        return sentAt !== undefined && sentAt >= from && sentAt < until ? [receivedAt[first + at]! - sentAt] : [];
      });
    })
    .sort((one, other) => one - other);
}

/** The value below which a share (0 to 1) of the ascending values lies; NaN where there are none. */
export function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? NaN;
}
