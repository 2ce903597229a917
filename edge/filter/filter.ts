import { createHash } from 'node:crypto';

export const ADDRESS_BYTES = 20;
export const TOPIC_BYTES = 32;

/** Whether one of the two groups of terms must match, or both (filters). */
export type MatchMode = 'any' | 'all';

/** What a client wants to be sent: at least one term, in the one form that all filters of the same meaning have. */
export interface Filter {
  /** Sorted, each once, {@link ADDRESS_BYTES} each. */
  readonly addresses: Buffer;
  /** Sorted, each once, {@link TOPIC_BYTES} each. */
  readonly topics: Buffer;
  /** `any` where one group is empty: the other one decides alone then, whatever was asked for, as in the reference. */
  readonly mode: MatchMode;
  /** Names the filter: the same for clients that want the same. */
  readonly key: string;
}

function sortedBytes(terms: Iterable<string>): Buffer {
  return Buffer.from([...new Set(terms)].sort().join(''), 'hex');
}

/**
 * @param addresses 40 hex digits each, in lower case
 * @param topics 64 hex digits each, in lower case
 * @returns `undefined` when there is no term at all: everything is wanted
 */
export function createFilter(
  addresses: Iterable<string>,
  topics: Iterable<string>,
  mode: MatchMode,
): Filter | undefined {
  const filter = { addresses: sortedBytes(addresses), topics: sortedBytes(topics) };
  const { length } = filter.addresses;
  if (length + filter.topics.length === 0) return undefined;
  const groups = length > 0 && filter.topics.length > 0 ? mode : 'any';
  // The count keeps an address apart from a topic that begins with the same bytes.
  const hash = createHash('sha256').update(`${groups} ${length} `).update(filter.addresses).update(filter.topics);
  return { ...filter, mode: groups, key: hash.digest('base64') };
}
