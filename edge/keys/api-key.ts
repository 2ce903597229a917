/** What a key is: some bytes that a client presents and whose SHA-256 is all that is kept of them. */
import { createHash, randomBytes } from 'node:crypto';

/**
 * Longest key, bytes: far above any real one, and a longer one is refused unhashed, so that a hostile key costs as little as a
 * wrong one.
 */
export const MAX_KEY_BYTES = 1024;

/** Keys shorter than this can be guessed from their hash, as it has no salt. `newKey` makes 43 characters. */
export const SHORT_KEY_CHARACTERS = 16;

/** 256 bits: not to be guessed, and so a fast hash without a salt is enough for what is stored. */
const RANDOM_BYTES = 32;

/** Pieces of a path that mean something else than a key: the filter route, and what URLs are shortened by. */
const PATH_PIECES: ReadonlySet<string> = new Set(['filter', '.', '..']);

/** A fresh key: 43 characters that need no escaping in a path or a header. */
export function newKey(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}

/**
 * @param key text, or the bytes as they came
 * @returns 32 bytes; `undefined` for what is no key by its length
 */
export function digestOf(key: string | Buffer): Buffer | undefined {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  if (bytes.length === 0 || bytes.length > MAX_KEY_BYTES) return undefined;
  return createHash('sha256').update(bytes).digest();
}

/** @returns why no client could present the key, in words that complete 'expected ...'; `undefined` when one could */
export function keyProblem(key: string): string | undefined {
  if (PATH_PIECES.has(key)) return 'a key other than filter, . and .., which are pieces of a path';
  if (!/^[^\s\p{C}]+$/u.test(key)) return 'a key of printable characters without white space';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `a key of at most ${MAX_KEY_BYTES} bytes`;
  return undefined;
}
