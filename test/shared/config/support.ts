import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, type LoadResult } from '../../../shared/config/load.ts';
import type { ServingProgram } from '../../../shared/config/program.ts';
import type { SettingsFor } from '../../../shared/config/schema.ts';

/** Everything that settings come from. */
export interface Sources {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the working directory. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Runs `use` in an empty directory with these files, which is removed afterwards. */
export function inDirectory<T>(files: Readonly<Record<string, string>>, use: (cwd: string) => T): T {
  const cwd = mkdtempSync(join(tmpdir(), 'flashcast-config-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
    return use(cwd);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

export function load<P extends ServingProgram>(
  program: P,
  { argv = [], env = {}, files = {} }: Sources,
): LoadResult<P> {
  return inDirectory(files, (cwd) =>
    loadSettings(program, { argv, env, cwd, hostName: 'host-1', randomSuffix: '0a1b2c3d' }),
  );
}

/** Settings that are right; anything else fails the test with what came instead. */
export function settings<P extends ServingProgram>(program: P, sources: Sources): SettingsFor<P> {
  const result = load(program, sources);
  if (result.kind !== 'settings') throw new Error(JSON.stringify(result));
  return result.settings;
}

/** The problems of wrong settings; none for right ones. */
export function problems(program: ServingProgram, sources: Sources): readonly string[] {
  const result = load(program, sources);
  return result.kind === 'problems' ? result.problems : [];
}

/** What a program needs at least. */
export const MINIMAL: Readonly<Record<ServingProgram, Readonly<Record<string, string>>>> = {
  proxy: { UPSTREAM_WS: 'ws://builder:1111/ws' },
  ingest: { UPSTREAM_WS: 'ws://builder:1111/ws', REDIS_URL: 'redis://redis' },
  edge: { REDIS_URL: 'redis://redis' },
};
