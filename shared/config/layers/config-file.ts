import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document } from 'yaml';
import type { Given } from '../format.ts';
import { quote, showValue } from '../mask.ts';
import { nearestName } from '../names.ts';
import type { ServingProgram } from '../program.ts';
import { SETTINGS } from '../schema.ts';
import { readBoundedFile } from './bounded-file.ts';
import { LayerBuilder, namesOf, type Layer } from './layer.ts';
import { addFromFile } from './secret-file.ts';

/** All settings together with comments stay far below it. */
const MAX_CONFIG_BYTES = 262_144;

const BY_KEY = namesOf(
  SETTINGS.filter((setting) => setting.flagOnly !== true),
  (setting) => setting.key,
  'File',
);

/**
 * Reads `--config FILE`: YAML, and so JSON too, with the camelCase names of the settings. A name that no program knows is
 * a problem; a setting of another program is no concern of this one, so that one file serves all. `null` and an empty
 * value count as not set.
 */
export function readConfigFile(program: ServingProgram, path: string, cwd: string): Layer {
  const builder = new LayerBuilder('config file');
  const shown = showValue(path, false);
  const file = readBoundedFile(path, cwd, MAX_CONFIG_BYTES);
  if (!file.ok) {
    builder.problems.push(`--config: the file ${shown} ${file.reason}`);
    return builder;
  }
  const document = parseDocument(file.text, { logLevel: 'silent' });
  for (const { code, linePos } of document.errors) {
    // Without the parser's message, which quotes the file: it may hold secrets.
    const place = linePos === undefined ? '' : ` at line ${linePos[0].line}, column ${linePos[0].col}`;
    builder.problems.push(`--config: ${shown} is not valid YAML or JSON${place} (${code})`);
  }
  const { contents } = document;
  if (document.errors.length > 0 || contents === null || (isScalar(contents) && contents.value === null))
    return builder;
  if (!isMap(contents)) {
    builder.problems.push(`--config: ${shown} holds no settings; expected names with values`);
    return builder;
  }
  for (const pair of contents.items) {
    addEntry(program, builder, isScalar(pair.key) ? String(pair.key.value) : '', read(pair.value, document, true), cwd);
  }
  return builder;
}

function addEntry(
  program: ServingProgram,
  builder: LayerBuilder,
  key: string,
  given: Given | undefined | null,
  cwd: string,
): void {
  const known = BY_KEY.get(key);
  if (known === undefined) {
    const nearest = nearestName(camelCase(key), [...BY_KEY.keys()]);
    builder.problems.push(
      `${quote(key)} in the config file: no such setting${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
    return;
  }
  const { setting, isFile } = known;
  if (!setting.programs.includes(program) || given === '' || given === null) return;
  const name = `${key} in the config file`;
  if (given === undefined) {
    builder.problems.push(`${name}: received a structure, expected ${setting.format.expected}`);
  } else if (!isFile) {
    builder.add(setting, given, name);
  } else if (typeof given === 'string') {
    addFromFile(builder, setting, given, name, cwd);
  } else {
    builder.problems.push(`${name}: received a list, expected the path of a file`);
  }
}

/** Turns the two other spellings, `LISTEN_ADDR` and `listen-addr`, into the one of the file, to find what was meant. */
function camelCase(key: string): string {
  const words = /[_-]/.test(key) || key === key.toUpperCase() ? key.toLowerCase() : key;
  return words.replaceAll(/[_-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * The text of a value as it stands in the file, so that formats judge `0x10` and `1e3` as they do elsewhere.
 *
 * @param outer whether the value may be a list, or a map of labels
 * @returns `null` for no value, `undefined` for a shape that no setting has
 */
function read(node: unknown, document: Document, outer: boolean): Given | undefined | null {
  if (isAlias(node)) return read(node.resolve(document), document, outer);
  if (isScalar(node)) {
    if (node.value === null || node.value === undefined) return null;
    return typeof node.value === 'string' ? node.value : (node.source ?? undefined);
  }
  if (outer && isSeq(node)) return texts(node.items.map((item) => read(item, document, false)));
  if (outer && isMap(node)) {
    return texts(
      node.items.map(({ key, value }) => {
        const text = read(value, document, false);
        return isScalar(key) && typeof text === 'string' ? `${String(key.value)}=${text}` : undefined;
      }),
    );
  }
  return node === null ? null : undefined;
}

function texts(values: readonly (Given | undefined | null)[]): readonly string[] | undefined {
  return values.every((value) => typeof value === 'string') ? values : undefined;
}
