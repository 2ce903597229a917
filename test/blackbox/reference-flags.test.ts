import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../bin/support/child.ts';
import { freePort } from '../support/program.ts';

const FLASHCAST = new URL('../../dist/bin/flashcast.js', import.meta.url);

/** Every flag of the reference, each with a value that is not its default where that can be. */
const FLAGS = (port: number, metricsPort: number, logs: string): readonly string[] => [
  ...['--listen-addr', `127.0.0.1:${port}`],
  ...['--upstream-ws', 'ws://127.0.0.1:9,ws://127.0.0.1:10'],
  ...['--message-buffer-size', '30', '--ring-buffer-capacity', '16'],
  ...['--instance-connection-limit', '200', '--per-ip-connection-limit', '20'],
  '--enable-compression',
  ...['--ip-addr-http-header', 'CF-Connecting-IP'],
  ...['--metrics', `--metrics-addr=127.0.0.1:${metricsPort}`, '--metrics-global-labels', 'region=eu,tier=one'],
  '--metrics-host-label',
  ...['--api-keys', 'wallet:key1,indexer:key2', '--public-access-enabled'],
  ...['--subscriber-max-interval-ms', '10000', '--subscriber-ping-interval-ms', '1000'],
  ...['--subscriber-pong-timeout-ms', '3000'],
  ...['--client-ping-enabled', '--client-ping-interval-ms', '5000', '--client-pong-timeout-ms', '11000'],
  ...['--client-send-timeout-ms', '900'],
  ...['-vvv', '--logs.stdout.quiet', '--logs.stdout.format', 'pretty'],
  ...['--logs.file.directory', logs, '--logs.file.format', 'json', '--logs.file.rotation', 'never'],
];

describe("black box: the reference's whole list of flags", function () {
  this.timeout(30_000);
  let cwd: string;
  let child: Child | undefined;
  before(() => (cwd = mkdtempSync(join(tmpdir(), 'flashcast-flags-'))));
  after(() => rmSync(cwd, { recursive: true }));
  afterEach(() => child?.process.kill('SIGKILL'));

  it('starts the proxy, which logs to the file alone', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${metricsPort}${path}`);
    child = new Child(FLASHCAST, { cwd, args: ['proxy', ...FLAGS(port, metricsPort, 'logs')] });
    const { process: started } = child;
    while (
      started.exitCode === null &&
      !(await ask('/livez').then(
        ({ ok }) => ok,
        () => false,
      ))
    );
    assert.match(await (await ask('/metrics')).text(), /websocket_proxy_active_connections\{.*region="eu"/);
    started.kill('SIGTERM');
    assert.equal(await child.end(), 0);
    assert.equal(child.out, '');
    const lines = readFileSync(join(cwd, 'logs/flashcast.log'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(lines.map((line) => (JSON.parse(line) as { level: string; msg: string }).msg).slice(-1), [
      'stopped',
    ]);
  });

  it('is told by name where its log file cannot be written', async () => {
    child = new Child(FLASHCAST, { cwd, args: ['proxy', '--demo', '--logs.file.directory', '/dev/null/logs'] });
    assert.equal(await child.end(), 2);
    assert.match(child.err, /1 problem in its settings\n {2}LOG_DIR: expected a directory .* \(ENOTDIR\)\n$/);
  });
});
