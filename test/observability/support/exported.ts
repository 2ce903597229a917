/** Reads Prometheus' text format. */

export interface Exported {
  /** Names of all samples: of a histogram its `_bucket`, `_sum` and `_count`. */
  readonly names: ReadonlySet<string>;
  /** Labels of a name, and which texts each of them has. */
  readonly labels: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;
}

/** What pages of `/metrics` hold together, those included that are declared and have no sample yet. */
export function readExported(pages: readonly string[]): Exported {
  const names = new Set<string>();
  const labels = new Map<string, Map<string, Set<string>>>();
  for (const line of pages.flatMap((page) => page.split('\n'))) {
    const declared = /^# TYPE (\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const [, name = '', type] = declared;
      const ends =
        type === 'histogram' ? ['_bucket', '_sum', '_count'] : type === 'summary' ? ['', '_sum', '_count'] : [''];
      for (const end of ends) names.add(name + end);
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line);
    if (sample === null) continue;
    const [, name = '', pairs = ''] = sample;
    const known = labels.get(name) ?? new Map<string, Set<string>>();
    labels.set(name, known);
    for (const [, label = '', text = ''] of pairs.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(text));
  }
  return { names, labels };
}
