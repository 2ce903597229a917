import { existsSync, readFileSync } from 'node:fs';

/** What is running, for `--version`, logs and the metric `build_info`. */
export interface Version {
  /** The package's version. */
  readonly version: string;
  /** The commit that was built, or `unknown`. */
  readonly revision: string;
}

/** Reads the version from the package's manifest, and the revision that the build wrote down beside the programs. */
export function readVersion(): Version {
  const manifest = ['../package.json', '../../package.json']
    .map((path) => new URL(path, import.meta.url))
    .find((url) => existsSync(url));
  const revision = new URL('./revision.txt', import.meta.url);
  const parsed: unknown = manifest === undefined ? {} : JSON.parse(readFileSync(manifest, 'utf8'));
  const version =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
  return { version, revision: existsSync(revision) ? readFileSync(revision, 'utf8').trim() : 'unknown' };
}
