/**
 * What a PromQL expression asks for. No parser: enough of the grammar to find the names of series and the labels that they are
 * selected and grouped by, in expressions that promtool or Prometheus takes.
 */

/** Words that stand where a name could and are none. */
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'inf', 'nan']);

/** One selector: a name, and the labels that it is matched by with the texts. */
export interface Selector {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

export interface Asked {
  readonly selectors: readonly Selector[];
  /** Of `by`, `on` and the like. */
  readonly groupings: ReadonlySet<string>;
}

const TOKEN = new RegExp(
  [
    // Grouping: a word and a list of labels, also of `group_left`.
    String.raw`\b(?:by|without|on|ignoring|group_left|group_right)\s*\((?<labels>[^)]*)\)`,
    // A name, or what is called: a function, or an aggregation with its grouping before or behind.
    String.raw`(?<name>[a-zA-Z_:][\w:]*)\s*(?:\{(?<matchers>[^}]*)\}|(?<call>\(|(?=\b(?:by|without)\b))|)`,
    String.raw`\[[^\]]*\]`,
    String.raw`"[^"]*"`,
    // Numbers, also with units, so that none of their letters is taken for a name.
    String.raw`\d[\w.]*`,
  ].join('|'),
  'g',
);

/** What an expression asks for. */
export function askedBy(expression: string): Asked {
  const selectors: Selector[] = [];
  const groupings = new Set<string>();
  for (const { groups = {} } of expression.matchAll(TOKEN)) {
    const { labels, name, matchers, call } = groups;
    for (const label of labels?.split(',') ?? []) if (label.trim() !== '') groupings.add(label.trim());
    if (name === undefined || call !== undefined || WORDS.has(name.toLowerCase())) continue;
    const matched = [...(matchers ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)];
    selectors.push({ name, labels: new Map(matched.map(([, label = '', text = '']) => [label, text])) });
  }
  return { selectors, groupings };
}
