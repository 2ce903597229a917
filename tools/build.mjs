// Builds dist/: the compiled TypeScript, the types of the client library, and the files that the programs read at run time.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname } from 'node:path';

const RUN_TIME_FILES = new Set(['.lua', '.json', '.html', '.css', '.svg']);

/** The commit that is built: REVISION where there is no repository, as in the image's build; empty when unknown. */
function revision() {
  if (process.env.REVISION) return process.env.REVISION;
  const { stdout } = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}

const { include: folders } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

rmSync('dist', { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.client.json', 'tsconfig.page.json']) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
for (const folder of folders.filter((name) => existsSync(name))) {
  cpSync(folder, `dist/${folder}`, {
    recursive: true,
    filter: (source) =>
      statSync(source).isDirectory() || (RUN_TIME_FILES.has(extname(source)) && basename(source) !== 'tsconfig.json'),
  });
}
const built = revision();
if (built !== '') writeFileSync('dist/shared/revision.txt', `${built}\n`);
chmodSync('dist/bin/flashcast.js', 0o755);
