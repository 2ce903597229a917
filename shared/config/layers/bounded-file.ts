import { closeSync, fstatSync, openSync, readSync, constants } from 'node:fs';
import { resolve } from 'node:path';

/** The text of a file, or why it could not be had, in words that follow the file's name. */
export type FileText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly missing: boolean };

/**
 * Reads a small text file whole. Only regular files: a pipe or a device could hold the start up for ever.
 *
 * @param maxBytes larger files are refused unread
 */
export function readBoundedFile(path: string, cwd: string, maxBytes: number): FileText {
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK the opening of a pipe would wait for its writer.
    descriptor = openSync(resolve(cwd, path), constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(descriptor).isFile()) return refused('is not a regular file');
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= maxBytes; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > maxBytes) return refused(`is larger than ${maxBytes} bytes`);
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length)) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { ok: false, reason: 'does not exist', missing: true };
    if (code === 'EACCES' || code === 'EPERM') return refused('may not be read by this user');
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return refused('is not UTF-8 text');
    return refused(`cannot be read (${typeof code === 'string' ? code : 'unknown error'})`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function refused(reason: string): FileText {
  return { ok: false, reason, missing: false };
}
