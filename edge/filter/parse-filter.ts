/** The query parameters `addresses`, `topics` and `match` (filters; client-protocol: "HTTP and WebSocket routes"). */
import { ADDRESS_BYTES, type Filter, type MatchMode, TOPIC_BYTES, createFilter } from './filter.ts';

export interface FilterSettings {
  /** Addresses and topics of one connection, counted as they were sent. */
  readonly maxFilterTerms: number;
}

/** `filter` is absent where no term was sent, which asks for everything. */
export type ParsedFilter =
  | { readonly ok: true; readonly filter: Filter | undefined }
  /** Names the parameter and the term's position, from 1, and says what was expected; never what was sent. */
  | { readonly ok: false; readonly message: string };

class TermError extends Error {}

/**
 * Reads a filter. Terms are separated by commas, white space around them counts for nothing, and a parameter that is there
 * and empty has none.
 */
export function parseFilter(query: URLSearchParams, { maxFilterTerms }: FilterSettings): ParsedFilter {
  try {
    const mode = readMode(query);
    const addresses = readTerms(query, 'addresses', ADDRESS_BYTES, maxFilterTerms, 0);
    const topics = readTerms(query, 'topics', TOPIC_BYTES, maxFilterTerms, addresses.length);
    return { ok: true, filter: createFilter(addresses, topics, mode) };
  } catch (error) {
    if (error instanceof TermError) return { ok: false, message: error.message };
    throw error;
  }
}

function readMode(query: URLSearchParams): MatchMode {
  const mode = readOnce(query, 'match') ?? 'any';
  if (mode === 'any' || mode === 'all') return mode;
  throw new TermError('match: expected any or all');
}

/**
 * Stops at the first term that is not what it must be, so that a long list of nothing costs nothing.
 *
 * @param taken terms that the connection has already
 * @returns the terms' hex digits in lower case
 */
function readTerms(query: URLSearchParams, name: string, bytes: number, maxTerms: number, taken: number): string[] {
  const text = readOnce(query, name)?.trim() ?? '';
  const terms: string[] = [];
  if (text === '') return terms;
  const digits = 2 * bytes;
  for (let from = 0; from <= text.length;) {
    const comma = text.indexOf(',', from);
    const to = comma < 0 ? text.length : comma;
    const where = `${name}: term ${terms.length + 1}`;
    if (taken + terms.length >= maxTerms)
      throw new TermError(`${where}: expected at most ${maxTerms} addresses and topics`);
    const term = text.slice(from, to).trim();
    if (term.length !== digits + 2 || !/^0x[0-9a-f]*$/i.test(term))
      throw new TermError(`${where}: expected 0x and ${digits} hex digits`);
    terms.push(term.slice(2).toLowerCase());
    from = to + 1;
  }
  return terms;
}

function readOnce(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  if (more.length > 0) throw new TermError(`${name}: expected once`);
  return value;
}
