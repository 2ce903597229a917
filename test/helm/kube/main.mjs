// `npm run test:kube`: brings a one-node Kubernetes up, loads the images into it, and runs the chart's tests there. Where
// there is no such cluster it says so loudly and ends well, unless FLASHCAST_REQUIRE_KUBE=1.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = new URL('../../..', import.meta.url).pathname;
const KUBE = process.env.FLASHCAST_KUBE ?? join(ROOT, '../shared/tools/kube');
const HOME = '/var/lib/flash-kube';
/** Never `latest`: the cluster cannot pull. */
const IMAGE = 'flashcast:kube';
const REDIS = 'redis:8';

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

function lacking() {
  if (!existsSync(KUBE)) return 'there is no tool that brings a cluster up (FLASHCAST_KUBE)';
  if (process.getuid?.() !== 0) return 'a cluster needs root';
  if (!succeeds('docker', 'info')) return 'Docker does not answer';
  if (!succeeds('go', 'version')) return 'there is no Go to build it with';
  return undefined;
}

const reason = lacking();
if (reason !== undefined) {
  console.error(`\n!!! THE TESTS ON KUBERNETES DID NOT RUN: ${reason}. !!!\n`);
  process.exit(process.env.FLASHCAST_REQUIRE_KUBE === '1' ? 1 : 0);
}

const ranBefore = succeeds(KUBE, 'status');
try {
  run(KUBE, ['up']);
  run('docker', ['build', '--quiet', '--tag', IMAGE, '.']);
  if (!succeeds('docker', 'image', 'inspect', REDIS)) run('docker', ['pull', '--quiet', REDIS]);
  run(KUBE, ['load', IMAGE, REDIS]);
  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  run(process.execPath, [mocha, ...process.argv.slice(2), 'test/helm/kube/chart.kube.ts'], {
    KUBECONFIG: join(HOME, 'admin.conf'),
    PATH: `${HOME}/bin:${process.env.PATH ?? ''}`,
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (!ranBefore) spawnSync(KUBE, ['down'], { stdio: 'inherit' });
}
