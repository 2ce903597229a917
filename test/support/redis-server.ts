import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisHost, RedisProcess } from './redis-host.ts';

/** A server that did not come up within this does not come up. */
const START_TIMEOUT_MS = 20_000;

/** Sends one command in the inline form and gives the beginning of the answer; rejects while nothing listens. */
async function ask(address: string, port: number, command: string): Promise<string> {
  const socket = connect({ host: address, port });
  try {
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer')));
    socket.write(`${command}\r\n`);
    const [answer] = (await Promise.race([
      once(socket, 'data'),
      once(socket, 'close').then(() => Promise.reject(new Error('closed'))),
    ])) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}

/** Resolves when a command is answered as it should be. */
export async function untilAnswer(address: string, port: number, command: string, expected: RegExp): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await ask(address, port, command).catch((error: unknown) => String(error));
    if (expected.test(answer)) return;
    if (performance.now() > deadline) throw new Error(`port ${port} answered ${command} with ${answer}`);
    await delay(20);
  }
}

export interface RedisServerOptions {
  /** Arguments beside port and folder. */
  readonly args?: readonly string[];
}

/** One server of Redis that a test owns: it can be killed, restarted and paused. */
export class RedisServer {
  readonly port: number;
  readonly #host: RedisHost;
  readonly #args: readonly string[];
  #process: RedisProcess | undefined;

  constructor(host: RedisHost, port: number, args: readonly string[] = []) {
    this.#host = host;
    this.port = port;
    this.#args = args;
  }

  get url(): string {
    return `redis://${this.#host.address}:${this.port}`;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#process = await this.#host.run([
      ...['--port', String(this.port)],
      ...['--bind', '*', '--protected-mode', 'no'],
      ...['--dir', this.#host.folder],
      ...['--save', '', '--appendonly', 'no'],
      // Replicas are to be there at once, not after the seconds in which a primary gathers more of them.
      ...['--repl-diskless-sync-delay', '0'],
      ...this.#args,
    ]);
    await untilAnswer(this.#host.address, this.port, 'PING', /^(\+PONG|-NOAUTH|-DENIED|-MASTERDOWN)/);
  }

  /** Ends it as a power failure would; what it held is gone. */
  async kill(): Promise<void> {
    await this.#process?.signal('SIGKILL');
    this.#process = undefined;
  }

  /** Kills it, if it still runs, and starts it on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops its process without closing a connection: peers see silence. */
  async pause(): Promise<void> {
    await this.#process?.signal('SIGSTOP');
  }

  async resume(): Promise<void> {
    await this.#process?.signal('SIGCONT');
  }

  /** Ends it and its host. */
  async stop(): Promise<void> {
    await this.kill();
    await this.#host.close();
  }
}
