import { strict as assert } from 'node:assert';
import type { Filter } from '../../../edge/filter/filter.ts';
import { FilterIndex } from '../../../edge/filter/filter-index.ts';
import { parseFilter } from '../../../edge/filter/parse-filter.ts';
import { readScanForm } from '../../../edge/filter/scan-form.ts';
import type { Wish } from './oracle.ts';

/** The filter that a client gets who asks for it by its query. */
export function filterOf({ addresses, topics, mode }: Wish): Filter {
  const query = new URLSearchParams({ addresses: addresses.join(), topics: topics.join(), match: mode });
  const parsed = parseFilter(query, { maxFilterTerms: 1000 });
  assert.ok(parsed.ok && parsed.filter !== undefined);
  return parsed.filter;
}

export const wishOf = ({ addresses = [], topics = [], mode = 'any' }: Partial<Wish>): Wish => ({
  addresses,
  topics,
  mode,
});

/** Whether an index of this one filter finds that the message matches. */
export function matchesAlone(json: Buffer, wish: Partial<Wish>): boolean {
  const form = readScanForm(json);
  if (form === undefined) return false;
  const index = new FilterIndex();
  const entry = index.add(filterOf(wishOf(wish)));
  return index.match(form).has(entry) === true;
}
