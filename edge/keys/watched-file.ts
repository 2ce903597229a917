/**
 * A file that others replace or write over. It is looked at by its path again and again, as renames, the symbolic links of
 * Kubernetes and network file systems escape the notices of the kernel.
 */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** What a reading came to; the reason follows 'the file'. */
export type Reading = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

const MISSING = 'does not exist';
const NO_TEXT = 'is not UTF-8 text';
/** Reasons that lie in the file. */
const FINAL_REASONS: ReadonlySet<string> = new Set([MISSING, NO_TEXT]);

export class WatchedFile {
  readonly #path: string;
  readonly #maxBytes: number;
  /** How the file looked the time before. */
  #seen: string | undefined;
  /** How it looked when it was read last. */
  #read: string | undefined;

  /** @param maxBytes larger files are refused */
  constructor(path: string, maxBytes: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /**
   * Reads a file that has changed, once it looks the same twice: one that is just being written is no news yet, and neither is
   * one that is away between two steps of an editor. The first reading always comes, at the second look.
   *
   * @returns `undefined` when there is nothing new
   */
  async look(): Promise<Reading | undefined> {
    const looks = await this.#looks();
    const settled = looks === this.#seen;
    this.#seen = looks;
    if (!settled || looks === this.#read) return undefined;
    const { reading, final } = await this.#attempt();
    // Written meanwhile: what was read may be half of it, and the next look shows it.
    if ((await this.#looks()) !== looks) return undefined;
    // What failed for want of something else than the file, open files for one, is tried again though the file looks the same.
    if (final) this.#read = looks;
    return reading;
  }

  /** Reads the file as it is now; one that changes meanwhile is refused. */
  async read(): Promise<Reading> {
    return (await this.#attempt()).reading;
  }

  /** @returns `final`: another reading comes to the same until the file looks otherwise */
  async #attempt(): Promise<{ readonly reading: Reading; readonly final: boolean }> {
    try {
      // Without O_NONBLOCK the opening of a pipe would wait for its writer.
      const file = await open(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return { reading: await this.#readOpened(file), final: true };
      } finally {
        await file.close();
      }
    } catch (error) {
      const reason = reasonOf(error);
      return { reading: refused(reason), final: FINAL_REASONS.has(reason) };
    }
  }

  async #readOpened(file: FileHandle): Promise<Reading> {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) return refused('is not a regular file');
    if (before.size > this.#maxBytes) return refused(`is larger than ${this.#maxBytes} bytes`);
    const bytes = Buffer.alloc(Number(before.size));
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
    if (length < bytes.length || looksOf(await file.stat({ bigint: true })) !== looksOf(before))
      return refused('changed while it was read');
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  }

  /** How the path looks; where there is nothing to be seen, why. */
  async #looks(): Promise<string> {
    try {
      return looksOf(await stat(this.#path, { bigint: true }));
    } catch (error) {
      return reasonOf(error);
    }
  }
}

/** Everything by which a change shows: another file, another time, another size. */
function looksOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function refused(reason: string): Reading {
  return { ok: false, reason };
}

/** The system's own messages hold the path, and a path may hold anything. */
function reasonOf(error: unknown): string {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
  if (code === 'ENOENT') return MISSING;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return NO_TEXT;
  return `cannot be read (${code})`;
}
