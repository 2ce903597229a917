import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { metricValue } from '../support/program.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** The tests' image. It stays on the machine, as its layers make the next run quick. */
export const IMAGE = 'flashcast:test';
/** Output of one command that is kept; compose's logs in a failure's report are the largest. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

const run = promisify(execFile);

/**
 * Runs `docker` in the project's folder.
 *
 * @returns its standard output without white space around it
 * @throws Error with the command's standard error in its message, when its status is not 0
 */
export async function docker(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout } = await run('docker', args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return stdout.trim();
}

/** Whether a Docker daemon and `docker compose` answer. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await docker(['info']);
    await docker(['compose', 'version']);
    return true;
  } catch {
    return false;
  }
}

/** Lets the suite be left out, visibly, where there is no Docker and nobody requires it. */
export async function needsDocker(context: Mocha.Context): Promise<void> {
  if (await dockerAnswers()) return;
  assert.notEqual(
    process.env['FLASHCAST_REQUIRE_DOCKER'],
    '1',
    'FLASHCAST_REQUIRE_DOCKER is set: docker compose must answer',
  );
  context.skip();
}

/** The services of docker-compose.yml under a project name and on ports of their own. */
export class ComposeStack {
  readonly #project = `flashcast-test-${randomBytes(4).toString('hex')}`;
  readonly #profiles: readonly string[];

  constructor(profiles: readonly string[] = []) {
    this.#profiles = profiles.flatMap((profile) => ['--profile', profile]);
  }

  /** `docker compose ARGS` on this project; nothing of the surroundings chooses its image, ports or builder. */
  compose(...args: readonly string[]): Promise<string> {
    const files = ['-f', 'docker-compose.yml', '-f', 'test/compose/override.yml'];
    return docker(['compose', '-p', this.#project, ...this.#profiles, ...files, ...args], {
      FLASHCAST_IMAGE: IMAGE,
      FLASHCAST_BIND: '127.0.0.1',
      FLASHCAST_PORT: '0',
      PROMETHEUS_PORT: '0',
      GRAFANA_PORT: '0',
      UPSTREAM_WS: '',
      LOG_LEVEL: 'info',
    });
  }

  /** Builds, starts and waits until every service is healthy, or those that are named and what they need. */
  async up(edges: number, services: readonly string[] = []): Promise<void> {
    const wait = ['--wait', '--wait-timeout', '120'];
    try {
      await this.compose('up', '-d', '--build', ...wait, '--scale', `edge=${edges}`, ...services);
    } catch (error) {
      const logs = await this.compose('logs', '--tail', '20').catch(() => 'no logs');
      throw new Error(`docker compose up failed; the logs:\n${logs}`, { cause: error });
    }
  }

  /** Always leaves nothing behind but the image. */
  async down(): Promise<void> {
    await this.compose('down', '-v', '--remove-orphans', '--timeout', '5');
  }

  /** Names of a service's containers, running or not. */
  async containers(service: string): Promise<string[]> {
    const names = await this.compose('ps', '-a', '--format', '{{.Name}}', service);
    return names.split('\n').sort();
  }

  /** Port of the host that HAProxy serves clients on. */
  clientPort(): Promise<number> {
    return this.portOf('haproxy', 8545);
  }

  /** Port of the host that a port of a service is published on. */
  async portOf(service: string, port: number): Promise<number> {
    return Number((await this.compose('port', service, String(port))).split(':')[1]);
  }

  /** Clients that an edge's container says it has. */
  async clientsOf(container: string): Promise<number> {
    const address = await docker(['port', container, '9000/tcp']);
    const response = await fetch(`http://${address.split('\n')[0] ?? ''}/metrics`);
    return metricValue(await response.text(), 'websocket_proxy_active_connections');
  }
}
