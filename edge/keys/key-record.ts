/** What is known of a key, and the line of the key file that says it (configuration: API_KEYS_FILE). */
import { parseTime, printTime } from './rfc3339.ts';

export interface KeyRecord {
  /** Whose key it is. */
  readonly application: string;
  /** SHA-256 of the key, 64 hex digits in lower case. */
  readonly digest: string;
  /** Connections that the application may have on all edges together, with all its keys. */
  readonly limit?: number;
  /** The first moment at which the key counts no more, milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** Largest limit, nine digits as in API_KEYS. */
export const MAX_LIMIT = 999_999_999;

/** An application is a label of a metric and a part of a Redis key. */
const MAX_APPLICATION_LENGTH = 128;

/** Longer lines are no lines of a key file; the parts of the longest have some 250 characters, and a remark has room. */
const MAX_LINE_LENGTH = 1024;

/** What is wrong with a line, in words that never repeat it: it may hold a key in a wrong place. */
export class KeyLineError extends Error {}

/** Without colons, as they separate the parts of API_KEYS, and without `#` at its beginning, which begins a remark. */
export function isApplication(text: string): boolean {
  return text.length <= MAX_APPLICATION_LENGTH && /^[^\s\p{C}:#][^\s\p{C}:]*$/u.test(text);
}

/** @returns a whole number from 1 to {@link MAX_LIMIT}; `undefined` for any other text */
export function parseLimit(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/**
 * Reads `app sha256:HEX [limit=N] [expires=RFC3339]`; a word that begins with `#` begins a remark.
 *
 * @returns `undefined` for a line without a key
 * @throws KeyLineError
 */
export function parseKeyLine(line: string): KeyRecord | undefined {
  if (line.length > MAX_LINE_LENGTH) throw new KeyLineError(`expected at most ${MAX_LINE_LENGTH} characters`);
  const all = line.split(/[ \t]+/).filter((word) => word !== '');
  const remarkAt = all.findIndex((word) => word.startsWith('#'));
  const [application, hash, ...options] = remarkAt < 0 ? all : all.slice(0, remarkAt);
  if (application === undefined) return undefined;
  const digest = /^sha256:([0-9a-f]{64})$/i.exec(hash ?? '')?.[1]?.toLowerCase();
  if (digest === undefined) throw new KeyLineError('expected an application, then sha256: and 64 hex digits');
  if (!isApplication(application))
    throw new KeyLineError(
      `expected an application of at most ${MAX_APPLICATION_LENGTH} printable characters without colons`,
    );
  return { application, digest, ...parseOptions(options) };
}

function parseOptions(options: readonly string[]): Pick<KeyRecord, 'limit' | 'expiresAt'> {
  const found: { limit?: number; expiresAt?: number } = {};
  for (const option of options) {
    const [, name, text = ''] = /^(limit|expires)=(.*)$/.exec(option) ?? [];
    if (name === undefined) throw new KeyLineError('expected nothing but limit=N and expires=TIME behind the hash');
    const field = name === 'limit' ? 'limit' : 'expiresAt';
    if (found[field] !== undefined) throw new KeyLineError(`expected ${name}= once`);
    const value = name === 'limit' ? parseLimit(text) : parseTime(text);
    if (value === undefined)
      throw new KeyLineError(
        name === 'limit'
          ? `expected limit= and a whole number from 1 to ${MAX_LIMIT}`
          : 'expected expires= and a time such as 2027-01-31T00:00:00Z',
      );
    found[field] = value;
  }
  return found;
}

/** The line that {@link parseKeyLine} reads as the record. */
export function printKeyLine({ application, digest, limit, expiresAt }: KeyRecord): string {
  return [
    application,
    `sha256:${digest}`,
    ...(limit === undefined ? [] : [`limit=${limit}`]),
    ...(expiresAt === undefined ? [] : [`expires=${printTime(expiresAt)}`]),
  ].join(' ');
}
