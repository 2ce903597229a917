import { showValue } from '../mask.ts';
import type { NamedSetting } from '../schema.ts';
import { readBoundedFile } from './bounded-file.ts';
import type { LayerBuilder } from './layer.ts';

/** A secret is a URL or a list of them; a file beyond this is not one. */
const MAX_SECRET_BYTES = 65_536;

/**
 * Takes a setting from the file that its `NAME_FILE` names (Docker and Kubernetes secrets). White space around the value
 * is left out; a list may also stand with one value a line.
 *
 * @param name how the source calls the setting that names the file
 */
export function addFromFile(
  builder: LayerBuilder,
  setting: NamedSetting,
  path: string,
  name: string,
  cwd: string,
): void {
  const file = readBoundedFile(path, cwd, MAX_SECRET_BYTES);
  if (!file.ok) {
    builder.problems.push(`${name}: the file ${showValue(path, false)} ${file.reason}`);
    return;
  }
  const text = file.text.trim();
  if (text === '') {
    builder.problems.push(`${name}: the file ${showValue(path, false)} is empty`);
    return;
  }
  builder.add(setting, setting.format.isList ? text.replaceAll(/\s*\n\s*/g, ',') : text, name);
}
