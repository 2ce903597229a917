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

/** The services of docker-compose.yml under a project name and on ports of their own. */
export class ComposeStack {
  readonly #project = `flashcast-test-${randomBytes(4).toString('hex')}`;

  /** `docker compose ARGS` on this project; nothing of the surroundings chooses its image, ports or builder. */
  compose(...args: readonly string[]): Promise<string> {
    const files = ['-f', 'docker-compose.yml', '-f', 'test/compose/override.yml'];
    return docker(['compose', '-p', this.#project, ...files, ...args], {
      FLASHCAST_IMAGE: IMAGE,
      FLASHCAST_BIND: '127.0.0.1',
      FLASHCAST_PORT: '0',
      UPSTREAM_WS: '',
      LOG_LEVEL: 'info',
    });
  }

  /** Builds, starts and waits until every service is healthy. */
  async up(edges: number): Promise<void> {
    try {
      await this.compose('up', '-d', '--build', '--wait', '--wait-timeout', '120', '--scale', `edge=${edges}`);
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
  async clientPort(): Promise<number> {
    return Number((await this.compose('port', 'haproxy', '8545')).split(':')[1]);
  }

  /** Clients that an edge's container says it has. */
  async clientsOf(container: string): Promise<number> {
    const address = await docker(['port', container, '9000/tcp']);
    const response = await fetch(`http://${address.split('\n')[0] ?? ''}/metrics`);
    return metricValue(await response.text(), 'websocket_proxy_active_connections');
  }
}
