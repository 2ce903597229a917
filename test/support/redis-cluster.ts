import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { RedisOrigin } from './redis-finder.ts';
import { freePorts, openRedisHost, type RedisHost } from './redis-host.ts';
import { RedisServer } from './redis-server.ts';

/** Primaries, of which the first holds all slots but two, and a replica of the first. */
const PRIMARIES = 3;
const REPLICA = 3;
const LAST_SLOT = 16_383;

/** After so long without a sign of life a node counts as failed, in milliseconds; its replica then takes over. */
const NODE_TIMEOUT_MS = 1000;

async function roleOf(client: Redis): Promise<string | undefined> {
  return /^role:(\w+)/m.exec(await client.info('replication'))?.[1];
}

/** A Cluster of four processes. */
export class RedisCluster {
  readonly #host: RedisHost;
  readonly #servers: readonly RedisServer[];
  readonly #clients: Redis[] = [];

  private constructor(host: RedisHost, ports: readonly number[], busPorts: readonly number[]) {
    this.#host = host;
    this.#servers = ports.map(
      (port, at) =>
        new RedisServer(host, port, [
          ...['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${String(port)}.conf`],
          ...['--cluster-port', String(busPorts[at]), '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
          ...['--cluster-announce-ip', host.address],
          // A replica shows once it has heard from its primary.
          ...['--repl-ping-replica-period', '1'],
        ]),
    );
  }

  static async start(origin: RedisOrigin): Promise<RedisCluster> {
    const all = await freePorts(2 * (PRIMARIES + 1));
    const ports = all.slice(0, PRIMARIES + 1);
    const busPorts = all.slice(PRIMARIES + 1);
    const cluster = new RedisCluster(await openRedisHost(origin, ports), ports, busPorts);
    await cluster.#start(busPorts);
    return cluster;
  }

  /** Two of the nodes; the rest is discovered. */
  get url(): string {
    const nodes = this.#servers.slice(1, PRIMARIES).map(({ port }) => `${this.#host.address}:${port}`);
    return `redis+cluster://${nodes.join(',')}`;
  }

  /** URL of the primary that owns all slots but two, and of its replica, at the beginning. */
  get firstUrl(): string {
    return this.#servers[0]!.url;
  }
  get secondUrl(): string {
    return this.#servers[REPLICA]!.url;
  }

  /** Orders the replica to take its primary's place, as before maintenance. */
  async failOver(): Promise<void> {
    const replica = await this.#rankOf('slave');
    await this.#client(replica).cluster('FAILOVER');
    await this.#until(replica, 'be the primary', async (client) => (await roleOf(client)) === 'master');
  }

  /** Ends the primary that has a replica as a power failure would. */
  async killPrimary(): Promise<void> {
    const replica = await this.#rankOf('slave');
    const primary = replica === 0 ? REPLICA : 0;
    this.#client(primary).disconnect();
    await this.#servers[primary]?.kill();
  }

  /** Gives the slot of an unused key to the second node. */
  async moveSlotOf(key: string): Promise<void> {
    const slot = await this.#client(1).cluster('KEYSLOT', key);
    const id = await this.#idOf(1);
    for (const at of [1, 0, 2]) await this.#client(at).cluster('SETSLOT', slot, 'NODE', id);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    for (const server of this.#servers) await server.kill();
    await this.#host.close();
  }

  async #start(busPorts: readonly number[]): Promise<void> {
    for (const server of this.#servers) {
      await server.start();
      const client = new Redis(server.url, { enableReadyCheck: false });
      client.on('error', () => undefined);
      this.#clients.push(client);
    }
    const slots = [`0 ${LAST_SLOT - 2}`, `${LAST_SLOT - 1} ${LAST_SLOT - 1}`, `${LAST_SLOT} ${LAST_SLOT}`];
    for (const [at, range] of slots.entries()) {
      await this.#client(at).call('CLUSTER', 'ADDSLOTSRANGE', ...range.split(' '));
      await this.#client(at).call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1);
    }
    for (const [at, { port }] of this.#servers.entries()) {
      await this.#client(0).call('CLUSTER', 'MEET', this.#host.address, port, busPorts[at] ?? 0);
    }
    const ok = async (client: Redis) => (await client.cluster('INFO')).includes('cluster_state:ok');
    for (const at of this.#servers.keys()) await this.#until(at, 'cluster_state:ok', ok);
    const first = await this.#idOf(0);
    const knowsFirst = async (client: Redis) => String(await client.cluster('NODES')).includes(first);
    await this.#until(REPLICA, 'the first node', knowsFirst);
    await this.#client(REPLICA).cluster('REPLICATE', first);
    const synced = async (client: Redis) => (await client.info('replication')).includes('master_link_status:up');
    await this.#until(REPLICA, 'master_link_status:up', synced);
    const seen = async (client: Redis) =>
      String(await client.cluster('SLOTS')).includes(String(this.#servers[REPLICA]?.port));
    for (const at of this.#servers.keys()) await this.#until(at, 'the replica', seen);
  }

  /** Which of the two nodes that hold the slots has a role now. */
  async #rankOf(role: 'master' | 'slave'): Promise<number> {
    return (await roleOf(this.#client(0))) === role ? 0 : REPLICA;
  }

  #client(at: number): Redis {
    const client = this.#clients[at];
    if (client === undefined) throw new Error(`the cluster has no node ${at}`);
    return client;
  }

  async #idOf(at: number): Promise<string> {
    return await this.#client(at).cluster('MYID');
  }

  /** Gossip takes its time: asks a node until it says so. */
  async #until(at: number, what: string, condition: (client: Redis) => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 20_000;
    while (!(await condition(this.#client(at)))) {
      if (performance.now() > deadline) throw new Error(`node ${at} of the cluster never came to ${what}`);
      await delay(20);
    }
  }
}
