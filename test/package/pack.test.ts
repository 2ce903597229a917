import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = new URL('../../', import.meta.url).pathname;
const run = promisify(execFile);

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** What the package holds beside dist/. */
const OTHER_FILES = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
/** What dist/ may hold: programs, types, and the files that programs read or serve. */
const FILES_OF_DIST = /^dist\/[\w./-]+\.(?:js|d\.ts|lua|json|html|css|svg|wasm)$|^dist\/shared\/revision\.txt$/;
/** Several times what it is: a capture or a picture would show. */
const MAX_BYTES = 2_000_000;

describe('the package', function () {
  this.timeout(120_000);
  let directory: string;
  let packed: Packed;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'flashcast-pack-'));
    // The build is there already; a build in the middle of the tests would take it away from others.
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], {
      cwd: ROOT,
    });
    [packed] = JSON.parse(stdout) as [Packed];
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('holds the build, the licence and what to read first, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const others = paths.filter((path) => !path.startsWith('dist/'));
    assert.deepEqual(others.sort(), OTHER_FILES);
    assert.deepEqual(
      paths.filter((path) => path.startsWith('dist/') && !FILES_OF_DIST.test(path)),
      [],
    );
    assert.ok(packed.size < MAX_BYTES, `${packed.size} bytes`);
  });

  it('runs where it is installed from its file', async () => {
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-save', '--omit=dev'];
    await run('npm', [...install, join(directory, packed.filename)], { cwd: directory });
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const flashcast = (...args: string[]) => run('npx', ['--no-install', 'flashcast', ...args], { cwd: directory });
    assert.ok((await flashcast('--version')).stdout.startsWith(`flashcast ${version} (`));
    assert.match((await flashcast('proxy', '--demo', '--check')).stdout, /valid/);
    assert.match((await flashcast('keys', 'new', 'wallet')).stdout, /^wallet sha256:/);
  });
});
