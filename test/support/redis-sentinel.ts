import { freePorts, openRedisHost, type RedisHost, type RedisProcess } from './redis-host.ts';
import type { RedisOrigin } from './redis-finder.ts';
import { RedisServer, untilAnswer } from './redis-server.ts';

const NAME = 'main';

/** A primary with one replica, watched by a Sentinel that decides by itself. */
export class RedisSentinel {
  readonly #host: RedisHost;
  readonly #port: number;
  readonly #servers: readonly [RedisServer, RedisServer];
  #sentinel: RedisProcess | undefined;

  private constructor(host: RedisHost, [port = 0, first = 0, second = 0]: readonly number[]) {
    this.#host = host;
    this.#port = port;
    this.#servers = [
      new RedisServer(host, first),
      new RedisServer(host, second, ['--replicaof', host.address, String(first)]),
    ];
  }

  static async start(origin: RedisOrigin): Promise<RedisSentinel> {
    const ports = await freePorts(3);
    const setup = new RedisSentinel(await openRedisHost(origin, ports), ports);
    await setup.#start();
    return setup;
  }

  get url(): string {
    return `redis+sentinel://${this.#host.address}:${this.#port}/${NAME}`;
  }

  /** URL of the server that is the primary at the beginning. */
  get firstUrl(): string {
    return this.#servers[0].url;
  }

  get secondUrl(): string {
    return this.#servers[1].url;
  }

  /** Ends the first server as a power failure would. */
  killFirst(): Promise<void> {
    return this.#servers[0].kill();
  }

  /** Orders the Sentinel to make the other server the primary. */
  async failOver(): Promise<void> {
    await untilAnswer(this.#host.address, this.#port, `SENTINEL FAILOVER ${NAME}`, /^\+OK/);
  }

  async stop(): Promise<void> {
    await this.#sentinel?.signal('SIGKILL');
    for (const server of this.#servers) await server.kill();
    await this.#host.close();
  }

  async #start(): Promise<void> {
    const { address } = this.#host;
    const [first, second] = this.#servers;
    await first.start();
    await second.start();
    await untilAnswer(address, second.port, 'INFO replication', /master_link_status:up/);
    const configuration = [
      `port ${this.#port}`,
      'bind *',
      'protected-mode no',
      `dir ${this.#host.folder}`,
      `sentinel monitor ${NAME} ${address} ${first.port} 1`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 2000`,
    ];
    const path = await this.#host.write('sentinel.conf', `${configuration.join('\n')}\n`);
    this.#sentinel = await this.#host.run([path, '--sentinel']);
    await untilAnswer(address, this.#port, 'PING', /^\+PONG/);
    await untilAnswer(address, this.#port, `SENTINEL REPLICAS ${NAME}`, /^\*1\r\n/);
  }
}
