import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, utimesSync } from 'node:fs';
import { TemporaryFolder } from '../support/temporary-folder.ts';
import { usesResources } from '../support/use.ts';

const BUILD = new URL('../../tools/build.mjs', import.meta.url).pathname;
/** A project of the same shape, small enough to be built in a test. */
const PROJECT = JSON.stringify({
  compilerOptions: { outDir: 'dist', rootDir: '.', types: [], lib: ['es2023'] },
  include: ['bin', 'shared'],
});

describe('the build', function () {
  this.timeout(60_000);
  const use = usesResources();

  it('is left alone with --if-stale while it is whole and newer than its sources, and made anew otherwise', async () => {
    const folder = use(await TemporaryFolder.create());
    for (const name of ['bin', 'shared', 'dist']) mkdirSync(folder.path(name));
    for (const name of ['build', 'client', 'page']) folder.write(`tsconfig.${name}.json`, PROJECT);
    for (const name of ['bin/flashcast.ts', 'shared/one.ts']) folder.write(name, 'export {};\n');
    const env = { ...process.env, REVISION: 'abc' };
    const build = (...args: string[]): void => {
      const { status, stderr } = spawnSync(process.execPath, [BUILD, ...args], { cwd: folder.path('.'), env });
      assert.equal(status, 0, String(stderr));
    };
    /** Whether the build with --if-stale took away what was there. */
    const isBuiltAnew = (): boolean => {
      folder.write('dist/mark', '');
      build('--if-stale');
      return !existsSync(folder.path('dist/mark'));
    };
    assert.ok(isBuiltAnew(), 'there was none');
    assert.ok(!isBuiltAnew(), 'current');
    const later = Date.now() / 1000 + 60;
    utimesSync(folder.path('bin/flashcast.ts'), later, later);
    assert.ok(isBuiltAnew(), 'older than a source');
  });
});
