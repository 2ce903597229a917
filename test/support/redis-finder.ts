/**
 * Which Redis the tests run on: REDIS_URL, else Docker, else a binary on PATH, else one that apt installs. Tests that end
 * and restart a Redis need servers of their own, which REDIS_URL cannot be.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { GenericContainer, Wait } from 'testcontainers';

/** Where tests get servers of their own from; `version` is what the server says of itself, for people. */
export type RedisOrigin =
  | { readonly kind: 'docker'; readonly image: string; readonly version: string }
  | { readonly kind: 'binary'; readonly path: string; readonly version: string };

export interface RedisChoice {
  /** The operator's Redis, which the tests share with others. */
  readonly url?: string;
  /** Absent only where REDIS_URL is all there is. */
  readonly own?: RedisOrigin;
}

const NO_REDIS = 'The tests need a Redis: set REDIS_URL, start Docker, or put redis-server or valkey-server on PATH.';

/** Carries the choice of test/run.mjs to the test process. */
export const CHOICE_VARIABLE = 'FLASHCAST_TEST_REDIS';

/** Carries its description to the reporter. */
export const TEXT_VARIABLE = 'FLASHCAST_TEST_REDIS_TEXT';

const IMAGE = 'redis:8';
const BINARIES = ['redis-server', 'valkey-server'];
/** Debian's own switch against services that start when they are installed. */
const POLICY = '/usr/sbin/policy-rc.d';

function onPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** `Redis server v=7.2.4 sha=...` as `Redis 7.2.4`. */
function readVersion(answer: string): string {
  const [, name = 'Redis', version = 'of an unknown version'] = /^(\w+) server v=(\S+)/.exec(answer) ?? [];
  return `${name} ${version}`;
}

function findBinary(): RedisOrigin | undefined {
  const path = BINARIES.map(onPath).find((found) => found !== undefined);
  if (path === undefined) return undefined;
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return { kind: 'binary', path, version: readVersion(stdout) };
}

/** Docker counts when a container runs, its image pulled if need be. */
async function findDocker(): Promise<RedisOrigin | undefined> {
  try {
    const probe = await new GenericContainer(IMAGE)
      .withEntrypoint(['sleep'])
      .withCommand(['infinity'])
      .withWaitStrategy(Wait.forSuccessfulCommand('redis-server --version'))
      .start();
    const { output } = await probe.exec(['redis-server', '--version']);
    await probe.stop();
    return { kind: 'docker', image: IMAGE, version: readVersion(output) };
  } catch {
    return undefined;
  }
}

/** Installs redis-server where that is usual: as root of a Debian or Ubuntu. It does not start a service. */
function installBinary(): RedisOrigin | undefined {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return undefined;
  const hadPolicy = existsSync(POLICY);
  if (!hadPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = (...args: string[]) => spawnSync('apt-get', args, { stdio: 'ignore', env: environment }).status === 0;
    const install = () => apt('install', '-y', '--no-install-recommends', 'redis-server');
    return install() || (apt('update') && install()) ? findBinary() : undefined;
  } finally {
    if (!hadPolicy) rmSync(POLICY, { force: true });
  }
}

/**
 * Decides on the Redis of a test run.
 *
 * @param whole whether it is for `npm test`, which prefers Docker and may ask apt; a developer's single file takes the
 *   binary, which is there at once
 * @throws Error with one clear sentence when there is none
 */
export async function findRedis({ whole }: { readonly whole: boolean }): Promise<RedisChoice> {
  const given = process.env['REDIS_URL'];
  const url = given === '' ? undefined : given;
  const dockerFirst = whole && url === undefined;
  const own =
    (dockerFirst ? undefined : findBinary()) ??
    (await findDocker()) ??
    findBinary() ??
    (whole ? installBinary() : undefined);
  if (url === undefined && own === undefined) throw new Error(NO_REDIS);
  return { ...(url !== undefined && { url }), ...(own !== undefined && { own }) };
}

async function versionAt(url: string): Promise<string> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null });
  let reason = '';
  client.on('error', (error: Error) => (reason = error.message));
  try {
    await client.connect();
    const info = await client.info('server');
    const [, name = 'redis'] = /^server_name:(\w+)/m.exec(info) ?? [];
    const [, version = 'of an unknown version'] = new RegExp(`^${name}_version:(\\S+)`, 'm').exec(info) ?? [];
    return `${name === 'valkey' ? 'Valkey' : 'Redis'} ${version}`;
  } catch {
    throw new Error(`The Redis of REDIS_URL does not answer: ${reason}`);
  } finally {
    client.disconnect();
  }
}

function describeOrigin(own: RedisOrigin): string {
  return own.kind === 'docker' ? `${own.version} in Docker (${own.image})` : `${own.version} at ${own.path}`;
}

/**
 * Says for people which Redis the tests run on, and what runs without one; never a URL, which may hold a password.
 *
 * @throws Error when the one of REDIS_URL does not answer
 */
export async function describeRedis({ url, own }: RedisChoice): Promise<string> {
  if (url === undefined) return own === undefined ? 'none' : describeOrigin(own);
  const shared = `${await versionAt(url)} of REDIS_URL`;
  if (own !== undefined) return `${shared}; for restarts, Sentinel and Cluster ${describeOrigin(own)}`;
  return `${shared}; tests of restarts, Sentinel and Cluster did not run, as they need Docker or a redis-server too`;
}
