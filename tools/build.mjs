// Builds dist/: the compiled TypeScript, the types of the client library, and the files that the programs read at run time.
// With --if-stale only where it is missing, incomplete or older than its sources: the first `npx flashcast` in a checkout runs
// npm's `prepare`, and must not take dist/ away from a program that runs.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname, join } from 'node:path';

const RUN_TIME_FILES = new Set(['.lua', '.json', '.html', '.css', '.svg']);

/** The commit that is built: REVISION where there is no repository, as in the image's build; empty when unknown. */
function revision() {
  if (process.env.REVISION) return process.env.REVISION;
  const { stdout } = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  return stdout?.trim() ?? '';
}

const { include: folders } = JSON.parse(readFileSync('tsconfig.build.json', 'utf8'));
const PROGRAM = 'dist/bin/flashcast.js';
const REVISION_FILE = 'dist/shared/revision.txt';
const CONFIGURATIONS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.client.json',
  'tsconfig.page.json',
];

/** When a file or folder, or anything in it, changed last; a folder changes with what is added and removed. */
function changedAt(path) {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => changedAt(join(path, name))));
}

function isCurrent() {
  // It may be executed from the last step of a build on.
  if (!existsSync(PROGRAM) || (statSync(PROGRAM).mode & 0o111) === 0) return false;
  const builtRevision = existsSync(REVISION_FILE) ? readFileSync(REVISION_FILE, 'utf8').trim() : '';
  const sources = [...folders, ...CONFIGURATIONS].filter((name) => existsSync(name));
  return builtRevision === revision() && Math.max(...sources.map(changedAt)) < statSync(PROGRAM).mtimeMs;
}

if (process.argv.includes('--if-stale') && isCurrent()) process.exit(0);

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
if (built !== '') writeFileSync(REVISION_FILE, `${built}\n`);
chmodSync(PROGRAM, 0o755);
