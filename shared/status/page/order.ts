/** A base node's rules for what may follow a flashblock. Pure. */

export interface Place {
  readonly block: number;
  readonly index: number;
  readonly payloadId: string;
}

/** `restart`: index 0 of another payload or of a block that is not the next; `broken`: a base node would wipe its state. */
export type Order = 'first' | 'next' | 'repeat' | 'restart' | 'broken';

export function orderOf(before: Place | undefined, now: Place): Order {
  if (before === undefined) return 'first';
  const sameBlock = now.block === before.block;
  const samePayload = now.payloadId === before.payloadId;
  if (sameBlock && samePayload && now.index === before.index) return 'repeat';
  if (sameBlock && samePayload) return now.index === before.index + 1 ? 'next' : 'broken';
  if (now.index !== 0) return 'broken';
  return now.block === before.block + 1 ? 'next' : 'restart';
}
