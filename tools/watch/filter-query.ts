/** What the flags of a filter add to the URL of a stream. */

/** The parameter of each flag, in the order in which they are added. */
const PARAMETERS = { address: 'addresses', topic: 'topics', match: 'match' } as const;

export interface FilterFlags {
  readonly address: readonly string[];
  readonly topic: readonly string[];
  readonly match: string | undefined;
}

/**
 * Adds the flags' parameters to the URL's query. The rest of it stays as it was typed, and commas stay commas: escaped they
 * would take a part of the room that a server has for a request.
 *
 * @returns what contradicts the URL, a sentence each; the URL is unchanged then
 */
export function addFilter(url: URL, flags: FilterFlags): readonly string[] {
  const given = Object.entries(PARAMETERS).flatMap(([flag, parameter]) => {
    const value = flags[flag as keyof FilterFlags];
    return value === undefined || value.length === 0 ? [] : [{ flag, parameter, text: [value].flat().join(',') }];
  });
  const problems = given
    .filter(({ parameter }) => url.searchParams.has(parameter))
    .map(({ flag, parameter }) => `--${flag}: the URL has ${parameter} already`);
  if (problems.length > 0) return problems;
  const parts = given.map(({ parameter, text }) => `${parameter}=${text}`);
  url.search = [url.search.slice(1), ...parts].filter((part) => part !== '').join('&');
  return [];
}
