/** The keys of the setting API_KEYS: `app:key` and `app:key:limit`. */
import { SettingsError } from '../../shared/config/settings-error.ts';
import { digestOf, keyProblem } from './api-key.ts';
import { type KeyRecord, MAX_LIMIT, isApplication, parseLimit } from './key-record.ts';

/**
 * @param entries as shared/config has split them
 * @throws SettingsError with every problem, each by the number of its entry and never with what stands in it
 */
export function parseSettingsKeys(entries: readonly string[]): KeyRecord[] {
  const problems: string[] = [];
  const entryOfDigest = new Map<string, number>();
  const records: KeyRecord[] = [];
  entries.forEach((text, at) => {
    const [application = '', key = '', limitText] = text.split(':');
    const digest = digestOf(key)?.toString('hex');
    const limit = limitText === undefined ? undefined : parseLimit(limitText);
    const before = digest === undefined ? undefined : entryOfDigest.get(digest);
    const problem =
      (isApplication(application) ? undefined : 'expected an application of at most 128 printable characters') ??
      prefixed('expected ', keyProblem(key)) ??
      (limitText === undefined || limit !== undefined ? undefined : `expected a limit from 1 to ${MAX_LIMIT}`) ??
      (before === undefined ? undefined : `the same key as in entry ${before}`);
    if (problem !== undefined) problems.push(`API_KEYS: entry ${at + 1}: ${problem}`);
    if (problem !== undefined || digest === undefined) return;
    entryOfDigest.set(digest, at + 1);
    records.push({ application, digest, ...(limit !== undefined && { limit }) });
  });
  if (problems.length > 0) throw new SettingsError(problems);
  return records;
}

function prefixed(prefix: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${prefix}${text}`;
}
