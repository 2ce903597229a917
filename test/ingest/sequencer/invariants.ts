import assert from 'node:assert/strict';
import type { Decision } from '../../../ingest/sequencer/contract.ts';
import { comparePositions } from '../../../shared/flashblock.ts';
import { SequenceChecker } from '../../../shared/sequence-checker.ts';
import { nameOf } from './support.ts';

/** A publish decision and when it was made or went in. */
export type PublishedAt = Extract<Decision, { action: 'publish' }> & { readonly at: number };

/**
 * The stream repeats nothing within the window, and goes back only where it says so.
 *
 * @param otherWindowMs for what is not a flashblock; less than 2 s where publishes wait, as the window counts from the decision
 */
export function assertClean(published: readonly PublishedAt[], otherWindowMs = 2000): void {
  let last: PublishedAt['decided']['position'];
  published.forEach(({ message, restart, takeover, at }, place) => {
    const repeat = published
      .slice(Math.max(0, place - 64), place)
      .findLast((before) => before.message.contentHash === message.contentHash);
    assert.ok(!repeat || (message.head === undefined && at - repeat.at > otherWindowMs), `${nameOf(message)} twice`);
    const position = message.head?.position;
    if (position === undefined) return;
    const rises = last === undefined || comparePositions(position, last) > 0;
    assert.ok(rises || ((restart || takeover) && position.index === 0), `${nameOf(message)} goes back`);
    last = position;
  });
}

/** What a base node would complain about. */
export function violationsOf(published: readonly PublishedAt[]): string[] {
  const checker = new SequenceChecker();
  return published.flatMap(({ message }) => {
    const { head, contentHash } = message;
    if (head === undefined) return [];
    const { verdict } = checker.check({ ...head, contentHash });
    return verdict === 'violation' || verdict === 'repeat' ? [`${verdict} ${nameOf(message)}`] : [];
  });
}
