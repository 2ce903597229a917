import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';
import { freePort } from './program.ts';
import type { RedisOrigin } from './redis-finder.ts';

export type Signal = 'SIGKILL' | 'SIGSTOP' | 'SIGCONT';

/** A process of Redis that runs on a host. */
export interface RedisProcess {
  /** Resolves when the signal took effect: after SIGKILL when the process is gone. */
  signal(signal: Signal): Promise<void>;
}

/** Where processes of Redis run: on this machine or in one container, whose ports have the same numbers outside. */
export interface RedisHost {
  /** Address under which clients and the processes themselves reach the ports. */
  readonly address: string;
  /** Folder for the files of all processes. */
  readonly folder: string;
  /** Writes a file into the folder and gives its path. */
  write(name: string, content: string): Promise<string>;
  /** Starts the server's binary with arguments. */
  run(args: readonly string[]): Promise<RedisProcess>;
  /** Ends what still runs and removes its files. */
  close(): Promise<void>;
}

/** Ports of 127.0.0.1 that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

class LocalHost implements RedisHost {
  readonly address = '127.0.0.1';
  readonly #binary: string;
  readonly #root: string;
  readonly #running = new Set<RedisProcess>();

  constructor(binary: string, root: string) {
    this.#binary = binary;
    this.#root = root;
  }

  get folder(): string {
    return this.#root;
  }

  async write(name: string, content: string): Promise<string> {
    const path = join(this.#root, name);
    await writeFile(path, content);
    return path;
  }

  async run(args: readonly string[]): Promise<RedisProcess> {
    const child = spawn(this.#binary, args, { stdio: 'ignore', cwd: this.#root });
    await once(child, 'spawn');
    const running: RedisProcess = {
      signal: async (signal) => {
        const gone = child.exitCode !== null || child.signalCode !== null;
        if (gone) return;
        const exited = once(child, 'exit');
        child.kill(signal);
        if (signal === 'SIGKILL') await exited;
      },
    };
    this.#running.add(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#running, (running) => running.signal('SIGKILL')));
    await rm(this.#root, { recursive: true, force: true });
  }
}

class ContainerHost implements RedisHost {
  readonly address = '127.0.0.1';
  readonly folder = '/data';
  readonly #container: StartedTestContainer;
  #started = 0;

  constructor(container: StartedTestContainer) {
    this.#container = container;
  }

  async write(name: string, content: string): Promise<string> {
    const target = `${this.folder}/${name}`;
    await this.#container.copyContentToContainer([{ content, target, mode: 0o666 }]);
    return target;
  }

  async run(args: readonly string[]): Promise<RedisProcess> {
    this.#started += 1;
    const pidFile = `${this.folder}/${String(this.#started)}.pid`;
    await this.#exec(['redis-server', ...args, '--daemonize', 'yes', '--pidfile', pidFile]);
    return {
      signal: async (signal) => {
        const kill = `pid=$(cat ${pidFile}); kill -${signal.slice(3)} $pid 2> /dev/null`;
        const untilGone = `while kill -0 $pid 2> /dev/null && ! grep -q ' Z ' /proc/$pid/stat; do sleep 0.02; done`;
        await this.#exec(['sh', '-c', signal === 'SIGKILL' ? `${kill}; ${untilGone}` : kill]);
      },
    };
  }

  async close(): Promise<void> {
    await this.#container.stop();
  }

  async #exec(command: string[]): Promise<void> {
    await this.#container.exec(command);
  }
}

/**
 * Opens a host whose processes may listen on the given ports.
 *
 * @param ports as of {@link freePorts}
 */
export async function openRedisHost(origin: RedisOrigin, ports: readonly number[]): Promise<RedisHost> {
  if (origin.kind === 'binary') {
    return new LocalHost(origin.path, await mkdtemp(join(tmpdir(), 'flashcast-redis-')));
  }
  const container = await new GenericContainer(origin.image)
    .withEntrypoint(['sleep'])
    .withCommand(['infinity'])
    .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
    .withWaitStrategy(Wait.forSuccessfulCommand('true'))
    .start();
  return new ContainerHost(container);
}
