import { freePorts, openRedisHost, type RedisHost, type RedisProcess } from './redis-host.ts';
import type { RedisOrigin } from './redis-finder.ts';
import { RedisServer, untilAnswer } from './redis-server.ts';

const NAME = 'main';

/** A primary with one replica, watched by one Sentinel that decides by itself, or by several of which most must agree. */
export class RedisSentinel {
  readonly #host: RedisHost;
  readonly #ports: readonly number[];
  readonly #servers: readonly [RedisServer, RedisServer];
  readonly #sentinels: RedisProcess[] = [];

  private constructor(host: RedisHost, [first = 0, second = 0, ...ports]: readonly number[]) {
    this.#host = host;
    this.#ports = ports;
    this.#servers = [
      new RedisServer(host, first),
      new RedisServer(host, second, ['--replicaof', host.address, String(first)]),
    ];
  }

  static async start(origin: RedisOrigin, sentinels = 1): Promise<RedisSentinel> {
    const ports = await freePorts(2 + sentinels);
    const setup = new RedisSentinel(await openRedisHost(origin, ports), ports);
    await setup.#start();
    return setup;
  }

  get url(): string {
    const { address } = this.#host;
    return `redis+sentinel://${this.#ports.map((port) => `${address}:${port}`).join(',')}/${NAME}`;
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
    await untilAnswer(this.#host.address, this.#ports[0]!, `SENTINEL FAILOVER ${NAME}`, /^\+OK/);
  }

  /** Has the first Sentinel ask for a name and a password from now on; it cannot be ordered a failover any more. */
  async demand(username: string, password: string): Promise<void> {
    for (const rules of [`${username} on >${password} +@all`, 'default off'])
      await untilAnswer(this.#host.address, this.#ports[0]!, `ACL SETUSER ${rules}`, /^\+OK/);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sentinels.map((sentinel) => sentinel.signal('SIGKILL')));
    for (const server of this.#servers) await server.kill();
    await this.#host.close();
  }

  async #start(): Promise<void> {
    const { address } = this.#host;
    const [first, second] = this.#servers;
    await first.start();
    await second.start();
    await untilAnswer(address, second.port, 'INFO replication', /master_link_status:up/);
    for (const port of this.#ports) await this.#startSentinel(port);
    const others = new RegExp(`^\\*${this.#ports.length - 1}\r\n`);
    for (const port of this.#ports) {
      await untilAnswer(address, port, `SENTINEL REPLICAS ${NAME}`, /^\*1\r\n/);
      await untilAnswer(address, port, `SENTINEL SENTINELS ${NAME}`, others);
    }
  }

  async #startSentinel(port: number): Promise<void> {
    const { address } = this.#host;
    const quorum = Math.floor(this.#ports.length / 2) + 1;
    const configuration = [
      `port ${port}`,
      'bind *',
      'protected-mode no',
      `dir ${this.#host.folder}`,
      `sentinel monitor ${NAME} ${address} ${this.#servers[0].port} ${quorum}`,
      `sentinel down-after-milliseconds ${NAME} 500`,
      `sentinel failover-timeout ${NAME} 2000`,
    ];
    const path = await this.#host.write(`sentinel-${port}.conf`, `${configuration.join('\n')}\n`);
    this.#sentinels.push(await this.#host.run([path, '--sentinel']));
    await untilAnswer(address, port, 'PING', /^\+PONG/);
  }
}
