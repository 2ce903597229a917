/** The text of the key file, read line by line: all of it or nothing. */
import { KeyLineError, type KeyRecord, parseKeyLine } from './key-record.ts';

/** A key and where it stands. */
export interface FileKey extends KeyRecord {
  /** From 1. */
  readonly line: number;
}

/** Most keys of a file, as of API_KEYS: they are taken in one go, some 50 ms, and clients wait 500 ms for a pong. */
export const MAX_FILE_KEYS = 10_000;

/** Most lines of a file: each key may have a remark above it and an empty line. */
export const MAX_FILE_LINES = 30_000;

/** Largest file, bytes: every key with the longest names, and remarks. */
export const MAX_FILE_BYTES = 4_194_304;

/** Why a file cannot be used. Neither message nor fields repeat what stands in it. */
export class KeyFileError extends Error {
  /** Where, from 1; `undefined` when it is the file as a whole. */
  readonly line: number | undefined;
  readonly reason: string;

  constructor(reason: string, line?: number) {
    super(line === undefined ? reason : `line ${line}: ${reason}`);
    this.name = 'KeyFileError';
    this.reason = reason;
    this.line = line;
  }
}

/**
 * An empty file is refused, as one that is just being written or could not be is empty: a file without keys says so by a
 * line that is a remark.
 *
 * @throws KeyFileError at the first line that is wrong
 */
export function parseKeyFile(text: string): FileKey[] {
  if (text.length > MAX_FILE_BYTES) throw new KeyFileError(`expected at most ${MAX_FILE_BYTES} bytes`);
  if (text.trim() === '') throw new KeyFileError('is empty; a file without keys holds a line that begins with #');
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/, MAX_FILE_LINES + 1);
  if (lines.length > MAX_FILE_LINES) throw new KeyFileError(`expected at most ${MAX_FILE_LINES} lines`);

  const keys: FileKey[] = [];
  const lineOfDigest = new Map<string, number>();
  lines.forEach((content, at) => {
    const line = at + 1;
    const key = parseLine(content, line);
    if (key === undefined) return;
    const before = lineOfDigest.get(key.digest);
    if (before !== undefined) throw new KeyFileError(`the same key as in line ${before}`, line);
    if (keys.length === MAX_FILE_KEYS) throw new KeyFileError(`expected at most ${MAX_FILE_KEYS} keys`, line);
    lineOfDigest.set(key.digest, line);
    keys.push(key);
  });
  return keys;
}

function parseLine(content: string, line: number): FileKey | undefined {
  try {
    const record = parseKeyLine(content);
    return record && { ...record, line };
  } catch (error) {
    if (error instanceof KeyLineError) throw new KeyFileError(error.message, line);
    throw error;
  }
}
