import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from './redis-host.ts';

const CONFIGURATION = new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url);
const IMAGE = 'haproxy:3.0';
/** One that does not listen within this does not come up. */
const START_TIMEOUT_MS = 10_000;

/** Where a server behind the balancer listens, and where its readiness is asked for. */
export interface BalancedServer {
  readonly port: number;
  readonly metricsPort: number;
}

/** How HAProxy is run here; `undefined` where it cannot be. */
function commandFor(name: string): readonly [string, ...string[]] | undefined {
  if (spawnSync('haproxy', ['-v'], { stdio: 'ignore' }).status === 0) return ['haproxy'];
  const container = ['run', '--rm', '-i', '--name', name, '--network', 'host'];
  const probe = spawnSync('docker', [...container, IMAGE, 'haproxy', '-v'], { stdio: 'ignore' });
  return probe.status === 0 ? ['docker', ...container, IMAGE, 'haproxy'] : undefined;
}

/** Replaces what stands in the text exactly once. */
function replace(text: string, pattern: RegExp, replacement: string): string {
  const found = text.match(new RegExp(pattern, `${pattern.flags}g`))?.length ?? 0;
  if (found !== 1) throw new Error(`haproxy.cfg has ${found} times, not once: ${pattern.source}`);
  return text.replace(pattern, () => replacement);
}

/**
 * The deployment's own configuration, with fixed servers in the place of those that DNS finds.
 *
 * @param text of deploy/haproxy/haproxy.cfg
 */
export function fixedConfiguration(
  text: string,
  servers: readonly BalancedServer[],
  ports: { readonly clients: number; readonly operations: number },
): string {
  const template = /^ {4}server-template .* check port 9000 (.*) resolvers dns init-addr none resolve-prefer ipv4$/m;
  const checks = template.exec(text)?.[1] ?? '';
  const lines = servers.map(
    ({ port, metricsPort }, at) => `    server edge${at} 127.0.0.1:${port} check port ${metricsPort} ${checks}`,
  );
  const bound = replace(
    replace(text, /bind :8545$/m, `bind 127.0.0.1:${ports.clients}`),
    /bind :8404$/m,
    `bind 127.0.0.1:${ports.operations}`,
  );
  return replace(replace(bound, template, lines.join('\n')), /^resolvers dns\n(?: .*\n)+/m, '');
}

/** HAProxy with the settings of the deployment, before servers of this machine. */
export class HaProxy implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly port: number;
  #output = '';

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#exited = new Promise((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output = (this.#output + text).slice(-8192)));
    }
  }

  /** Why there is none here, in a sentence. */
  static missing(): string | undefined {
    const found = commandFor(`flashcast-test-${randomBytes(4).toString('hex')}`);
    return found === undefined ? `neither haproxy on PATH nor Docker with ${IMAGE}` : undefined;
  }

  /** Resolves when it listens. */
  static async start(servers: readonly BalancedServer[]): Promise<HaProxy> {
    const command = commandFor(`flashcast-test-${randomBytes(4).toString('hex')}`);
    if (command === undefined) throw new Error('there is no HAProxy');
    const [clients = 0, operations = 0] = await freePorts(2);
    const configuration = fixedConfiguration(await readFile(CONFIGURATION, 'utf8'), servers, { clients, operations });
    const [program, ...args] = command;
    const child = spawn(program, [...args, '-db', '-f', '/dev/stdin'], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(configuration);
    const haproxy = new HaProxy(child, clients);
    await haproxy.#listening();
    return haproxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  async stop(): Promise<void> {
    // Hard: it need not wait for its clients. The docker command hands it on.
    this.#child.kill('SIGTERM');
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #listening(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (this.#child.exitCode === null && performance.now() < deadline) {
      const socket = connect(this.port, '127.0.0.1');
      const listens = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      socket.destroy();
      if (listens) return;
      await delay(50);
    }
    await this.stop();
    throw new Error(`HAProxy did not come up: ${this.#output}`);
  }
}
