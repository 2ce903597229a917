import { list, scalar, type Format } from '../format.ts';

/** Labels that Prometheus gives a meaning of its own. */
const RESERVED_LABELS = ['le', 'quantile'];

/** `k=v,k=v` with Prometheus' label names, each once, no value empty. */
export const labels: Format<Readonly<Record<string, string>>> = list({
  placeholder: 'K=V,...',
  expected: 'label=value pairs between commas, each label once (letters, digits and _; not le, quantile or __...)',
  // Every label is repeated in every series.
  maxElements: 32,
  read: (elements) => {
    const found = new Map<string, string>();
    for (const element of elements) {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(element);
      const [, name, value] = match ?? [];
      if (name === undefined || value === undefined || found.has(name)) return undefined;
      if (name.startsWith('__') || RESERVED_LABELS.includes(name)) return undefined;
      found.set(name, value);
    }
    return Object.fromEntries(found);
  },
});

/** Name of an HTTP header field. */
export const headerName: Format<string> = scalar({
  placeholder: 'NAME',
  expected: 'the name of an HTTP header',
  read: (text) => (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(text) ? text : undefined),
});

/** Prefix of all Redis keys; braces would move the hash slot (redis: "What Redis does"). */
export const keyPrefix: Format<string> = scalar({
  placeholder: 'TEXT',
  expected: 'up to 128 printable characters without braces and white space',
  read: (text) => (/^[!-z|~]{1,128}$/.test(text) ? text : undefined),
});

/** Names a process in metrics, leases and logs. */
export const processId: Format<string> = scalar({
  placeholder: 'NAME',
  expected: 'up to 128 letters, digits, dots, dashes and underscores',
  read: (text) => (/^[\w.-]{1,128}$/.test(text) ? text : undefined),
});

/** A path in the file system. */
export const filePath: Format<string> = scalar({
  placeholder: 'FILE',
  expected: 'the path of a file',
  read: (text) => (text === '' || text.includes('\0') ? undefined : text),
});

export const directoryPath: Format<string> = scalar({
  placeholder: 'DIR',
  expected: 'the path of a directory',
  read: (text) => (text === '' || text.includes('\0') ? undefined : text),
});

/** `app:key` or `app:key:limit`, several between commas. */
export const apiKeys: Format<readonly string[]> = list({
  placeholder: 'APP:KEY,...',
  expected: 'app:key or app:key:limit between commas',
  maxElements: 10_000,
  read: (elements) =>
    elements.every((element) => /^[^:\s]+:[^:\s]+(?::\d{1,9})?$/.test(element)) ? elements : undefined,
});
