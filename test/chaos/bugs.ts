/** Bugs on purpose, to show that the suite sees them: made in a copy of the build, so that the product has no switch for them. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One exact piece of a built file, and what stands there instead. */
export interface Change {
  readonly file: string;
  readonly snippet: string;
  readonly replacement: string;
}

export const BUGS = {
  /** An edge counts what it missed as lost and never reads the history for it. */
  'gap-fill-off': [
    {
      file: 'edge/stream/follower.js',
      snippet: 'if (!this.#filled || !this.#continuity.isNext(envelope)) {',
      replacement: 'if (!this.#filled) {',
    },
    {
      file: 'edge/stream/follower.js',
      snippet: 'if (this.#read !== undefined || !this.#available) {',
      replacement: 'if (this.#filled || this.#read !== undefined || !this.#available) {',
    },
  ],
  /** An ingest passes on whatever arrives. */
  'dedupe-off': [{ file: 'ingest/sequencer/decide.js', snippet: "if (dedupe === 'off')", replacement: 'if (true)' }],
} as const satisfies Record<string, readonly Change[]>;

export type BugName = keyof typeof BUGS;

export function isBugName(name: string): name is BugName {
  return Object.hasOwn(BUGS, name);
}

const PROJECT = new URL('../../', import.meta.url).pathname;

/**
 * Replaces the one place where the snippet stands.
 *
 * @throws Error when it does not stand there exactly once
 */
export function mutate(text: string, { file, snippet, replacement }: Change): string {
  const found = text.split(snippet).length - 1;
  if (found !== 1) throw new Error(`${file} holds ${found} times, not once: ${snippet}`);
  return text.replace(snippet, () => replacement);
}

/** A copy of the build in a folder of its own, which ends with it: what is built meanwhile does not touch it. */
export class BuildCopy implements AsyncDisposable {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** @param bug made in the copy; default none */
  static async make(bug?: BugName): Promise<BuildCopy> {
    const copy = new BuildCopy(await mkdtemp(join(tmpdir(), 'flashcast-build-')));
    try {
      await cp(join(PROJECT, 'dist'), copy.folder, { recursive: true });
      await cp(join(PROJECT, 'package.json'), join(copy.#root, 'package.json'));
      await symlink(join(PROJECT, 'node_modules'), join(copy.#root, 'node_modules'));
      for (const change of bug === undefined ? [] : BUGS[bug]) {
        const path = join(copy.folder, change.file);
        await writeFile(path, mutate(await readFile(path, 'utf8'), change));
      }
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  get folder(): string {
    return join(this.#root, 'dist');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#root, { recursive: true, force: true });
  }
}
