import { parse } from 'yaml';
import { at, isObject, type Json, type JsonObject } from './json.ts';

/** A value that `values.yaml` documents by a comment that begins with two dashes. */
interface DocumentedValue {
  readonly path: string;
  readonly text: string;
}

/** Reads the comments `# -- ...` of a values file, with the lines that continue them, and the value behind each. */
function documented(source: string): readonly DocumentedValue[] {
  const found: DocumentedValue[] = [];
  const parents: { readonly indent: number; readonly key: string }[] = [];
  let text: string | undefined;
  for (const line of source.split('\n')) {
    const comment = /^ *# (-- )?(.*)$/.exec(line);
    const key = /^( *)(\w+):/.exec(line);
    if (comment !== null) {
      const [, begins, words = ''] = comment;
      if (begins !== undefined) text = words;
      else if (text !== undefined) text += ` ${words}`;
    } else if (key !== null) {
      const [, { length: indent } = '', name = ''] = key;
      while ((parents.at(-1)?.indent ?? -1) >= indent) parents.pop();
      parents.push({ indent, key: name });
      if (text !== undefined) found.push({ path: parents.map((parent) => parent.key).join('.'), text });
      text = undefined;
    } else {
      text = undefined;
    }
  }
  return found;
}

function typeOf(value: Json | undefined): string {
  if (Array.isArray(value)) return 'list';
  if (value === null || value === undefined) return 'number';
  return isObject(value) ? 'object' : typeof value;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** The table of all values, as it stands in the chart's README. */
export function valuesTable(source: string): string {
  const values = parse(source) as JsonObject;
  const rows = documented(source).map(({ path, text }) => {
    const value = at(values, path) ?? null;
    return `| \`${path}\` | ${typeOf(value)} | \`${cell(JSON.stringify(value))}\` | ${cell(text)} |`;
  });
  return ['| Key | Type | Default | Description |', '|---|---|---|---|', ...rows].join('\n');
}

/** Values that nothing documents, neither themselves nor an object that they stand in. */
export function undocumentedValues(source: string): readonly string[] {
  const known = documented(source).map(({ path }) => path);
  const leaves = (value: Json, path: string): readonly string[] =>
    isObject(value) && Object.keys(value).length > 0
      ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`))
      : [path];
  return leaves(parse(source) as JsonObject, '').filter(
    (leaf) => !known.some((path) => leaf === path || leaf.startsWith(`${path}.`)),
  );
}
