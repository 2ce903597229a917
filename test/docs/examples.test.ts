import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { startDemo, type Server } from '../support/stack.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url).pathname;
const EXAMPLES = join(ROOT, 'docs/examples');
/** What the toolchains fetch and build, kept from run to run. */
const CACHE = join(ROOT, 'node_modules/.cache/flashcast-examples');
const CHROMIUM = '/usr/bin/chromium';

/** Where an example stands, by the language of its block in the guide. */
const FILES = {
  js: 'node.mjs',
  html: 'browser.html',
  python: 'python.py',
  go: 'go/main.go',
  rust: 'rust/src/main.rs',
} as const;

/** Twenty flashblocks, one after the other, each named once. */
function assertTwenty(output: string): void {
  const positions = output.match(/\d+-\d+/g) ?? [];
  assert.equal(new Set(positions).size, 20, output);
  assert.equal(positions.length, 20);
}

describe('the examples of the client guide', function () {
  this.timeout(240_000);
  let proxy: Server;
  before(async () => {
    proxy = await startDemo();
    await proxy.ready();
    await mkdir(CACHE, { recursive: true });
  });
  after(() => proxy[Symbol.asyncDispose]());

  /** Leaves the test out with a word: without the tool or its packages there is nothing to test, which is no fault of the example. */
  async function orSkip(test: Mocha.Context, what: string, get: () => Promise<unknown>): Promise<void> {
    try {
      await get();
    } catch (error) {
      console.warn(`\n    NOT TESTED: ${what}: ${String(error).split('\n', 1)[0] ?? ''}\n`);
      test.skip();
    }
  }

  it('stand in the guide as they are run', () => {
    const guide = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8');
    for (const [language, file] of Object.entries(FILES))
      assert.ok(guide.includes(`\`\`\`${language}\n${readFileSync(join(EXAMPLES, file), 'utf8')}\`\`\`\n`), file);
  });

  it('of Node receives 20 flashblocks and ends', async () => {
    const { stdout } = await run(process.execPath, [join(EXAMPLES, 'node.mjs'), proxy.url]);
    assertTwenty(stdout);
    assert.match(stdout, /^\d+-\d+ first \d+\n(?:\d+-\d+ next \d+\n){19}$/);
  });

  it('of browsers receives 20 flashblocks and ends', async function () {
    await orSkip(this, 'the example of browsers needs chromium', () =>
      existsSync(CHROMIUM) ? Promise.resolve() : Promise.reject(new Error(`no ${CHROMIUM}`)),
    );
    const server = createServer(({ url = '/' }, response) => {
      const path = normalize(new URL(url, 'http://page').pathname);
      const file = path.startsWith('/dist/') ? join(ROOT, path) : join(EXAMPLES, FILES.html);
      response.setHeader('Content-Type', path.startsWith('/dist/') ? 'text/javascript' : 'text/html');
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const browser = await chromium.launch({ executablePath: CHROMIUM });
    try {
      const page = await browser.newPage();
      const fault = new Promise<never>((_, reject) => page.once('pageerror', reject));
      const port = String((server.address() as AddressInfo).port);
      await page.goto(`http://127.0.0.1:${port}/?url=${encodeURIComponent(proxy.url)}`);
      const log = page.locator('#log');
      await Promise.race([log.filter({ hasText: /(?:\d+-\d+ \w+\s+){20}/ }).waitFor(), fault]);
      assertTwenty((await log.textContent()) ?? '');
    } finally {
      await browser.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it('of Python receives 20 flashblocks and ends', async function () {
    const packages = join(CACHE, 'python');
    await orSkip(this, 'the example of Python needs websockets', async () => {
      if (existsSync(join(packages, 'websockets'))) return;
      await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', packages, 'websockets'], {
        timeout: 60_000,
      });
    });
    const env = { ...process.env, PYTHONPATH: packages };
    assertTwenty((await run('python3', [join(EXAMPLES, 'python.py'), proxy.url], { env })).stdout);
  });

  it('of Go receives 20 flashblocks and ends', async function () {
    const cwd = join(CACHE, 'go');
    await cp(join(EXAMPLES, 'go'), cwd, { recursive: true });
    await orSkip(this, 'the example of Go needs its modules', () =>
      run('go', ['mod', 'download'], { cwd, timeout: 60_000 }),
    );
    await run('go', ['build', '-o', 'example', '.'], { cwd });
    assertTwenty((await run(join(cwd, 'example'), [proxy.url])).stdout);
  });

  it('of Rust receives 20 flashblocks and ends', async function () {
    const cwd = join(CACHE, 'rust');
    await cp(join(EXAMPLES, 'rust'), cwd, { recursive: true });
    await orSkip(this, 'the example of Rust needs its crates', () => run('cargo', ['fetch'], { cwd, timeout: 60_000 }));
    await run('cargo', ['build', '--quiet', '--offline'], { cwd });
    assertTwenty((await run(join(cwd, 'target/debug/flashcast-example'), [proxy.url])).stdout);
  });
});
