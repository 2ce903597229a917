// `npm run test:kube`: the chart's tests on a one-node Kubernetes. Where there is none it says so loudly and ends well, unless
// FLASHCAST_REQUIRE_KUBE=1.
//
// FLASHCAST_KUBECONFIG names a cluster of one node that is there for the tests alone (kind, for example): its node is drained, its
// NetworkPolicies must be enforced and metrics.k8s.io served, and it must have the images FLASHCAST_KUBE_IMAGE (flashcast:kube) and
// redis:8, or be able to pull them. Without it, FLASHCAST_KUBE is the tool that brings a cluster up, loads images and takes it down.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const ROOT = new URL('../../..', import.meta.url).pathname;
const KUBE = process.env.FLASHCAST_KUBE ?? join(ROOT, '../shared/tools/kube');
const HOME = '/var/lib/flash-kube';
const GIVEN = process.env.FLASHCAST_KUBECONFIG;
/** Never `latest`: the cluster cannot pull. */
const IMAGE = process.env.FLASHCAST_KUBE_IMAGE ?? 'flashcast:kube';
const REDIS = 'redis:8';
/** Kubernetes compiles in 5 minutes on 2 cores that have nothing else to do, and 8 where its sources must be fetched first. */
const BUILD_MINUTES = 15;
/** It is up after 12 seconds on such a machine. */
const UP_MINUTES = 3;

const began = performance.now();
const minutes = () => `${((performance.now() - began) / 60_000).toFixed(1)} minutes`;

/** There is no cluster, for this reason. */
class NoCluster extends Error {}

function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed${error === undefined ? '' : `: ${error.message}`}`);
}

/** @returns what is missing for a cluster; `undefined` when nothing is, or one is given */
function lacking() {
  if (GIVEN !== undefined) return succeeds('kubectl', 'version', '--client') ? undefined : 'there is no kubectl';
  if (!existsSync(KUBE))
    return 'there is no tool that brings a cluster up (FLASHCAST_KUBE), nor one given (FLASHCAST_KUBECONFIG)';
  if (process.getuid?.() !== 0) return 'a cluster needs root';
  if (!succeeds('docker', 'info')) return 'Docker does not answer';
  if (!succeeds('go', 'version')) return 'there is no Go to build it with';
  return undefined;
}

/**
 * Has the tool do what depends on the machine alone, so that failing is no fault of what is tested.
 *
 * @throws NoCluster when it fails, or takes longer
 */
function prepare(task, limitMinutes) {
  // In a group of its own, as the compiler that it starts must end with it.
  const limit = ['--kill-after=10', `${limitMinutes}m`];
  const { status, signal } = spawnSync('timeout', [...limit, KUBE, task], { stdio: 'inherit' });
  if (status === 0) return;
  // What had to be killed takes its guard with it.
  const late = status === 124 || signal === 'SIGKILL';
  throw new NoCluster(`\`kube ${task}\` ${late ? `took more than ${limitMinutes} minutes` : 'failed'}`);
}

function mocha(env) {
  const path = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
  run(process.execPath, [path, ...process.argv.slice(2), 'test/helm/kube/chart.kube.ts'], env);
}

/**
 * Gives the pods their share of a machine that others use too. By their kubelet all of them together weigh as much as one thread per
 * core: beside a dozen busy ones that is a quarter of a core, for which clients wait for half a minute. No harm where there are no others.
 */
function favourPods() {
  // 16 threads' worth, in the units of version 1 (1024 for a thread) or 2 (100) of cgroups.
  const weights = { '/sys/fs/cgroup/cpu/kubepods/cpu.shares': '16384', '/sys/fs/cgroup/kubepods/cpu.weight': '1600' };
  for (const [file, weight] of Object.entries(weights)) if (existsSync(file)) writeFileSync(file, weight);
}

/** Brings a cluster up, and leaves the machine as it was. */
function onOwnCluster() {
  prepare('build', BUILD_MINUTES);
  const ranBefore = succeeds(KUBE, 'status');
  try {
    prepare('up', UP_MINUTES);
    favourPods();
    run('docker', ['build', '--quiet', '--tag', IMAGE, '.']);
    if (!succeeds('docker', 'image', 'inspect', REDIS)) run('docker', ['pull', '--quiet', REDIS]);
    run(KUBE, ['load', IMAGE, REDIS]);
    console.log(`cluster and images there after ${minutes()}`);
    mocha({ KUBECONFIG: join(HOME, 'admin.conf'), PATH: `${HOME}/bin:${process.env.PATH ?? ''}` });
  } finally {
    if (!ranBefore) spawnSync(KUBE, ['down'], { stdio: 'inherit' });
  }
}

try {
  const reason = lacking();
  if (reason !== undefined) throw new NoCluster(reason);
  if (GIVEN === undefined) onOwnCluster();
  else mocha({ KUBECONFIG: GIVEN });
} catch (error) {
  const isSkip = error instanceof NoCluster;
  console.error(isSkip ? `\n!!! THE TESTS ON KUBERNETES DID NOT RUN: ${error.message}. !!!\n` : error.message);
  if (!isSkip || process.env.FLASHCAST_REQUIRE_KUBE === '1') process.exitCode = 1;
}
console.log(`tests on Kubernetes: ${minutes()}`);
