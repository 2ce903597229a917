import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientSwarm } from '../support/client-swarm.ts';
import { freePort } from '../support/program.ts';
import { usesResources } from '../support/use.ts';

const ENTRY = new URL('../../dist/bin/flashcast.js', import.meta.url).pathname;
/** Lines of 100 bytes and more, one at each client's coming and going: several times what a pipe holds. */
const CLIENTS = 1500;

describe('black box: a log that cannot be written', function () {
  this.timeout(60_000);
  const use = usesResources();

  async function startProxy(stdout: 'pipe' | number, format: string) {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const child = spawn(process.execPath, [ENTRY, 'proxy', '--demo'], {
      env: {
        ...(process.env['NODE_V8_COVERAGE'] !== undefined && { NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'] }),
        LISTEN_ADDR: `127.0.0.1:${port}`,
        METRICS_ADDR: `127.0.0.1:${metricsPort}`,
        INSTANCE_CONNECTION_LIMIT: '5000',
        PER_IP_CONNECTION_LIMIT: '0',
        DRAIN_DELAY_MS: '0',
        DRAIN_TIMEOUT_MS: '1000',
        LOG_LEVEL: 'debug',
        LOG_FORMAT: format,
      },
      stdio: ['ignore', stdout, 'ignore'],
    });
    const exit = once(child, 'exit');
    use({
      async [Symbol.asyncDispose]() {
        child.kill('SIGKILL');
        await exit;
      },
    });
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${metricsPort}${path}`, { signal: AbortSignal.timeout(5000) });
    while (child.exitCode === null && (await ask('/readyz').catch(() => undefined))?.status !== 200) await delay(25);
    return { child, exit, port, ask };
  }

  for (const format of ['json', 'text']) {
    it(`does not hold the service up where nobody reads it (${format})`, async () => {
      const { child, exit, port, ask } = await startProxy('pipe', format);
      const swarm = use(await ClientSwarm.connect({ port, clients: CLIENTS }));
      await swarm.stop();
      const late = use(await ClientSwarm.connect({ port, clients: 1 }));
      await late.received(2);
      assert.equal((await ask('/livez')).status, 200);
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null]);
    });

    it(`does not end the service where the disk is full (${format})`, async function () {
      // Only Linux has /dev/full.
      if (process.platform !== 'linux') this.skip();
      const full = openSync('/dev/full', 'w');
      const { child, exit, port } = await startProxy(full, format).finally(() => {
        closeSync(full);
      });
      const swarm = use(await ClientSwarm.connect({ port, clients: 1 }));
      await swarm.received(2);
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null]);
    });
  }
});
