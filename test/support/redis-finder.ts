/**
 * Which Redis the tests run on: REDIS_URL, else Docker, else a binary on PATH, else one that apt installs. Tests that end
 * and restart a Redis need servers of their own, which REDIS_URL cannot be.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ImageName, getContainerRuntimeClient } from 'testcontainers';

/** Where tests get servers of their own from. */
export type RedisOrigin =
  { readonly kind: 'docker'; readonly image: string } | { readonly kind: 'binary'; readonly path: string };

export interface RedisChoice {
  /** The operator's Redis, which the tests share with others. */
  readonly url?: string;
  /** Absent only where REDIS_URL is all there is. */
  readonly own?: RedisOrigin;
}

export const NO_REDIS =
  'The tests need a Redis: set REDIS_URL, start Docker, or put redis-server or valkey-server on PATH.';

/** Carries the choice of test/run.mjs to the test process. */
export const CHOICE_VARIABLE = 'FLASHCAST_TEST_REDIS';

const IMAGE = 'redis:8';
const BINARIES = ['redis-server', 'valkey-server'];
/** An image that was not pulled within this is out of reach. */
const PULL_TIMEOUT_MS = 60_000;
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

function findBinary(): RedisOrigin | undefined {
  const path = BINARIES.map(onPath).find((found) => found !== undefined);
  return path === undefined ? undefined : { kind: 'binary', path };
}

async function findDocker(): Promise<RedisOrigin | undefined> {
  try {
    const { image: images } = await getContainerRuntimeClient();
    const image = ImageName.fromString(IMAGE);
    if (!(await images.exists(image))) {
      const late = new Promise<never>((_resolve, reject) => {
        setTimeout(() => reject(new Error('the image was not pulled in time')), PULL_TIMEOUT_MS).unref();
      });
      await Promise.race([images.pull(image), late]);
    }
    return { kind: 'docker', image: IMAGE };
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
 * @param mayInstall whether apt may be asked
 * @throws Error with one clear sentence when there is none
 */
export async function findRedis({ mayInstall }: { readonly mayInstall: boolean }): Promise<RedisChoice> {
  const url = process.env['REDIS_URL'];
  const binary = url === undefined ? undefined : findBinary();
  const own = binary ?? (await findDocker()) ?? findBinary() ?? (mayInstall ? installBinary() : undefined);
  if (url === undefined && own === undefined) throw new Error(NO_REDIS);
  return { ...(url !== undefined && { url }), ...(own !== undefined && { own }) };
}
