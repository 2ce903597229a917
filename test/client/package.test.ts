import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { TestBuilder } from '../support/builder.ts';
import { flashblockJson } from '../support/messages.ts';
import { usesResources } from '../support/use.ts';

const run = promisify(execFile);
const PROJECT = new URL('../../', import.meta.url).pathname;
const require = createRequire(import.meta.url);

/** A user's project with the packed flashcast in its node_modules, and the dependencies that an install would bring. */
class Install implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Install> {
    const install = new Install(await mkdtemp(join(tmpdir(), 'flashcast-pack-')));
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', install.folder];
    const { stdout } = await run('npm', args, { cwd: PROJECT });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const modules = join(install.folder, 'node_modules');
    await mkdir(modules);
    await run('tar', ['-xzf', join(install.folder, filename), '-C', modules]);
    await symlink(join(modules, 'package'), join(modules, 'flashcast'));
    for (const name of ['ws', 'brotli-wasm']) await symlink(join(PROJECT, 'node_modules', name), join(modules, name));
    await install.write('package.json', '{"type":"module"}');
    return install;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.folder, name), text);
  }

  /** Compiles `main.ts` without the types of Node, strictly, and looks into the package's types too. */
  async compile(...conditions: readonly string[]): Promise<void> {
    const compilerOptions = {
      ...{ target: 'ES2023', module: 'NodeNext', lib: ['ES2023', 'DOM'], types: [], strict: true, skipLibCheck: false },
      ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, customConditions: conditions },
    };
    await this.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['main.ts'] }));
    const tsc = require.resolve('typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', this.folder]).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

const MAIN = `
import { connect, ClientError, type ClientEvent, type FlashcastClient, type StreamMessage } from 'flashcast/client';

const url: string = (globalThis as unknown as { process: { argv: string[] } }).process.argv[2] ?? '';
const client: FlashcastClient = connect(url, {
  snapshot: true,
  onEvent: (event: ClientEvent) => {
    if (event.type === 'disconnected') console.error(event.reason, event.retryInMs);
  },
});
const seen: string[] = [];
try {
  for await (const message of client) {
    const typed: StreamMessage = message;
    if (typed.kind === 'flashblock') seen.push(\`\${typed.position.blockNumber}-\${typed.position.index} \${typed.order}\`);
    if (seen.length === 2) break;
  }
} catch (error) {
  if (error instanceof ClientError) console.error(error.status, error.code);
  throw error;
}
console.log(JSON.stringify({ seen, at: client.position, messages: client.stats.messages }));
`;

const BROWSER_MAIN = `
import { connect } from 'flashcast/client';
const inflate = (bytes: Uint8Array): Uint8Array => bytes;
for await (const message of connect('wss://host/ws', { WebSocket, inflate })) console.log(message.receivedAtMs);
`;

/** The modules that a module loads, itself included, and whatever else is named in an import. */
function imports(entry: string): { files: Set<string>; foreign: Set<string> } {
  const files = new Set<string>();
  const foreign = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport\(?)\s*['"]([^'"]+)['"]/g)) {
      if (specifier!.startsWith('.')) visit(resolve(dirname(file), specifier!));
      else foreign.add(specifier!);
    }
  };
  visit(entry);
  return { files, foreign };
}

describe('the packed package', function () {
  this.timeout(60_000);
  const use = usesResources();
  let install: Install;
  before('pack it', async () => {
    install = await Install.create();
  });
  after('remove it', () => install[Symbol.asyncDispose]());

  it('has a typed client for Node that compiles and runs in a project of its own', async () => {
    await install.write('main.ts', MAIN);
    await install.compile();
    const builder = use(await TestBuilder.start());
    const running = run(process.execPath, [join(install.folder, 'main.js'), builder.url]);
    const [connection] = await builder.connected();
    connection!.sendBrotli(flashblockJson({ blockNumber: 5, index: 0 }));
    connection!.sendText(flashblockJson({ blockNumber: 5, index: 1 }));
    const { stdout, stderr } = await running;
    assert.equal(stderr, '');
    assert.deepEqual(JSON.parse(stdout), {
      seen: ['5-0 first', '5-1 next'],
      at: { blockNumber: 5, index: 1, payloadId: '0x0000000000000005' },
      messages: 2,
    });
    assert.equal(builder.attempts[0]!.url, '/ws?snapshot=block');
  });

  it("has a client for browsers, which takes the page's own WebSocket", async () => {
    await install.write('main.ts', BROWSER_MAIN);
    await install.compile('browser');
    assert.ok(existsSync(join(install.folder, 'node_modules/flashcast/dist/client/browser.js')));
  });

  it('loads nothing in a browser but its own modules, none of which uses Node', () => {
    const { files, foreign } = imports(join(PROJECT, 'dist/client/browser.js'));
    assert.deepEqual([...foreign], []);
    assert.ok(files.size > 5);
    for (const file of files) assert.ok(!/\bprocess\./.test(readFileSync(file, 'utf8')), file);
    const node = imports(join(PROJECT, 'dist/client/node.js'));
    assert.ok(node.foreign.has('ws') && node.foreign.has('node:zlib'), 'the check sees what is imported');
  });
});
