// `npm run test:kube`: the chart's tests on a one-node Kubernetes. Where there is none it says so loudly and ends well, unless
// FLASHCAST_REQUIRE_KUBE=1.
//
// FLASHCAST_KUBECONFIG names a cluster of one node that is there for the tests alone (kind, for example): its node is drained, its
// NetworkPolicies must be enforced and metrics.k8s.io served, and it must have the images FLASHCAST_KUBE_IMAGE (flashcast:kube) and
// redis:8, or be able to pull them. Without it, FLASHCAST_KUBE is the tool that brings a cluster up, loads images and takes it down.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = new URL('../../..', import.meta.url).pathname;
const KUBE = process.env.FLASHCAST_KUBE ?? join(ROOT, '../shared/tools/kube');
const HOME = '/var/lib/flash-kube';
const GIVEN = process.env.FLASHCAST_KUBECONFIG;
/** Never `latest`: the cluster cannot pull. */
const IMAGE = process.env.FLASHCAST_KUBE_IMAGE ?? 'flashcast:kube';
const REDIS = 'redis:8';
/** Kubernetes compiles in 5 minutes on 2 cores that have nothing else to do. */
const BUILD_MINUTES = 15;

const began = performance.now();
const minutes = () => `${((performance.now() - began) / 60_000).toFixed(1)} minutes`;

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/** @returns why no cluster can be brought up; `undefined` when one can, or is given */
function lacking() {
  if (GIVEN !== undefined) return succeeds('kubectl', 'version', '--client') ? undefined : 'there is no kubectl';
  if (!existsSync(KUBE))
    return 'there is no tool that brings a cluster up (FLASHCAST_KUBE), nor one given (FLASHCAST_KUBECONFIG)';
  if (process.getuid?.() !== 0) return 'a cluster needs root';
  if (!succeeds('docker', 'info')) return 'Docker does not answer';
  if (!succeeds('go', 'version')) return 'there is no Go to build it with';
  // In a group of its own, as the compiler that it starts must end with it.
  const build = ['--kill-after=10', `${BUILD_MINUTES}m`, KUBE, 'build'];
  const { status } = spawnSync('timeout', build, { stdio: 'inherit' });
  if (status === 0) return undefined;
  return status === 124
    ? `building the cluster took more than ${BUILD_MINUTES} minutes`
    : 'the cluster could not be built';
}

function mocha(env) {
  const path = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  run(process.execPath, [path, ...process.argv.slice(2), 'test/helm/kube/chart.kube.ts'], env);
}

/** Brings a cluster up, and leaves the machine as it was. */
function onOwnCluster() {
  const ranBefore = succeeds(KUBE, 'status');
  try {
    run(KUBE, ['up']);
    run('docker', ['build', '--quiet', '--tag', IMAGE, '.']);
    if (!succeeds('docker', 'image', 'inspect', REDIS)) run('docker', ['pull', '--quiet', REDIS]);
    run(KUBE, ['load', IMAGE, REDIS]);
    console.log(`cluster and images there after ${minutes()}`);
    mocha({ KUBECONFIG: join(HOME, 'admin.conf'), PATH: `${HOME}/bin:${process.env.PATH ?? ''}` });
  } finally {
    if (!ranBefore) spawnSync(KUBE, ['down'], { stdio: 'inherit' });
  }
}

const reason = lacking();
if (reason === undefined) {
  try {
    if (GIVEN === undefined) onOwnCluster();
    else mocha({ KUBECONFIG: GIVEN });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
  console.log(`tests on Kubernetes: ${minutes()}`);
} else {
  console.error(`\n!!! THE TESTS ON KUBERNETES DID NOT RUN: ${reason}. !!!\n`);
  process.exitCode = process.env.FLASHCAST_REQUIRE_KUBE === '1' ? 1 : 0;
}
