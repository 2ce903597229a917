import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../tools/simulate/random.ts';
import type { BaseNode } from '../support/base-node.ts';
import { BaseNodeFleet } from '../support/base-node-fleet.ts';
import { redisCommand } from '../support/redis-command.ts';
import { startRedisServer, type RedisServer } from '../support/redis.ts';
import { startEdge, startIngest, type Server, type Settings } from '../support/stack.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { Feed } from './feed.ts';
import type { Mark } from './judge.ts';

/** A Redis that the row brings, such as Sentinels or a Cluster: no relays stand before it. */
export interface BroughtRedis {
  readonly url: string;
  readonly settings?: Settings;
}

export interface WorldOptions {
  /** Default 2, all on all builders. */
  readonly ingests?: number;
  /** Default 2. */
  readonly edges?: number;
  /** Default 2. */
  readonly builders?: number;
  /** Whether builders serve resumes; default false, as few do. */
  readonly buildersResume?: boolean;
  /** Base nodes that resume, spread evenly over the edges; default 200. */
  readonly nodes?: number;
  /** Base nodes beside them that do not, and are only reported; default 20. */
  readonly bystanders?: number;
  /** Milliseconds from message to message; default 100. */
  readonly everyMs?: number;
  /**
   * For rows of 1,000 clients: messages of some hundred bytes, and no relays before Redis, as this process, which is the
   * clients and the relays, would be what is too slow; default false.
   */
  readonly crowded?: boolean;
  /** Arguments of the server. */
  readonly redisArgs?: readonly string[];
  /** Opens another Redis than one server of the world's own. */
  readonly bringRedis?: (world: World) => Promise<BroughtRedis>;
  readonly ingestSettings?: Settings;
  readonly edgeSettings?: Settings;
  /** Whether nodes send no pings, and so wait for what is late; default false. */
  readonly patient?: boolean;
  /**
   * Opens what stands before the edges, such as a balancer, and gives the URL of each node's next dial; default that of the
   * edge with the node's number, round robin.
   */
  readonly front?: (world: World) => Promise<(node: BaseNode) => string>;
  /** What nodes send with their handshakes, such as an address of their own; default nothing. */
  readonly nodeHeaders?: (number: number) => Readonly<Record<string, string>>;
}

/** The block that chains begin with: the size of number that Base has. */
const START_BLOCK = 50_400_000;
/** What base's own deployment sends. */
const EDGE_SETTINGS: Settings = { ENABLE_COMPRESSION: 'true' };
/** Messages that every node has before a fault begins: so many that every edge, ingest and builder works. */
const WARM_MESSAGES = 8;
/** What has not come by then does not come: longer than any recovery that a row allows, and than a back-off of a node. */
const SETTLE_MS = 8000;

/** The programs of one row, what stands between them, and what is known of them. */
export class World implements AsyncDisposable {
  readonly options: WorldOptions;
  readonly ingests: Server[] = [];
  readonly edges: Server[] = [];
  /** Between each ingest and Redis, and each edge and Redis; none before a Redis that the row brings, or in a crowd. */
  readonly ingestRelays: TcpProxy[] = [];
  readonly edgeRelays: TcpProxy[] = [];
  readonly marks: Mark[] = [];
  readonly startedAt = performance.now();
  readonly #build: string | undefined;
  readonly #opened: AsyncDisposable[] = [];
  /** Every process that ever ran, by what it is. */
  readonly #programs: { readonly name: string; readonly server: Server }[] = [];
  #feed: Feed | undefined;
  #fleet: BaseNodeFleet | undefined;
  #redis: RedisServer | undefined;
  #brought: BroughtRedis | undefined;

  private constructor(options: WorldOptions, build: string | undefined) {
    this.options = options;
    this.#build = build;
  }

  /** @param build folder of the build that its programs run; default the project's own */
  static async open(options: WorldOptions, random: Random, build?: string): Promise<World> {
    const world = new World(options, build);
    try {
      await world.#open(random);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  get feed(): Feed {
    return this.#feed ?? missing('feed');
  }
  get fleet(): BaseNodeFleet {
    return this.#fleet ?? missing('fleet');
  }
  /** The world's own server. */
  get redis(): RedisServer {
    return this.#redis ?? missing('Redis of its own');
  }

  /** Ends it with the world, the last first. */
  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    this.#opened.push(resource);
    return resource;
  }

  /** The fault is over, or this part of it. */
  mark(what: string): void {
    this.marks.push({ what, at: performance.now() });
  }

  /** Waits until every resuming node has the last message that was published; goes on without after {@link SETTLE_MS}. */
  async caughtUp(): Promise<void> {
    const { nodes, table, changes } = this.fleet;
    const last = this.feed.truth.entries.at(-1)?.contentHash;
    const has = ({ received }: BaseNode): boolean =>
      received.lastIndexOf(table.messages.findLastIndex(({ contentHash }) => contentHash === last)) !== -1;
    await changes
      .until(() => nodes.every((node) => !node.resumes || has(node)), 'the last message', SETTLE_MS)
      .catch(() => undefined);
  }

  /** One command to the world's own Redis, past every relay. */
  command(name: string, ...args: readonly string[]): Promise<unknown> {
    return redisCommand(this.redis.url, name, ...args);
  }

  /** Starts another ingest, or one in the place of one that ended. Resolves when it is ready. */
  async startIngest(at = this.ingests.length): Promise<Server> {
    const url = await this.#redisUrl(this.ingestRelays, at);
    const settings = { INGEST_ID: `ingest-${at}`, ...this.#brought?.settings, ...this.options.ingestSettings };
    const server = this.use(await startIngest(this.feed.urls, url, settings, this.#build));
    this.#programs.push({ name: `ingest-${at}`, server });
    this.ingests[at] = server;
    return server.ready();
  }

  /** Starts another edge, or one in the place of one that ended. Resolves when it is ready. */
  async startEdge(at = this.edges.length): Promise<Server> {
    const url = await this.#redisUrl(this.edgeRelays, at);
    const settings = {
      EDGE_ID: `edge-${at}`,
      ...EDGE_SETTINGS,
      ...this.#brought?.settings,
      ...this.options.edgeSettings,
    };
    const server = this.use(await startEdge(url, settings, this.#build));
    this.#programs.push({ name: `edge-${at}`, server });
    this.edges[at] = server;
    return server.ready();
  }

  /** Kills a process of the world and waits for its end. */
  async kill(server: Server): Promise<void> {
    server.program.signal('SIGKILL');
    await server.program.exit;
  }

  /** Sum of a metric over those of the programs that run. */
  async metric(servers: readonly Server[], name: string, labels?: string): Promise<number> {
    const values = await Promise.all(
      servers.filter(({ program }) => !program.ended).map((server) => server.metric(name, labels)),
    );
    return values.reduce((sum, value) => sum + value, 0);
  }

  /** Writes what every process logged into the folder. */
  async saveLogs(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await Promise.all(
      this.#programs.map(({ name, server: { program } }, at) =>
        writeFile(join(folder, `${at}-${name}.log`), program.stdout + program.stderr),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet?.stop();
    await Promise.all(this.#programs.map(({ server }) => server.program.stop()));
    for (let resource = this.#opened.pop(); resource !== undefined; resource = this.#opened.pop())
      await resource[Symbol.asyncDispose]();
  }

  async #open(random: Random): Promise<void> {
    const { options } = this;
    const { ingests = 2, edges = 2, builders = 2, nodes = 200, bystanders = 20, everyMs = 100 } = options;
    if (options.bringRedis === undefined) await this.#startRedis();
    else this.#brought = await options.bringRedis(this);
    const resumes = options.buildersResume ?? false;
    const small = options.crowded ?? false;
    this.#feed = this.use(await Feed.start({ builders, everyMs, startBlock: START_BLOCK, resumes, small, random }));
    await Promise.all([
      ...Array.from({ length: ingests }, (_, at) => this.startIngest(at)),
      ...Array.from({ length: edges }, (_, at) => this.startEdge(at)),
    ]);
    await Promise.all(this.#feed.builders.map(({ builder }) => builder.connected(ingests)));
    const url = (await options.front?.(this)) ?? ((node) => this.edges[node.number % edges]!.url);
    this.#fleet = this.use(
      await BaseNodeFleet.connect({
        nodes: nodes + bystanders,
        resume: (number) => number < nodes,
        patient: options.patient ?? false,
        url,
        ...(options.nodeHeaders && { headers: options.nodeHeaders }),
      }),
    );
    this.#feed.run();
    await this.#fleet.received(WARM_MESSAGES);
  }

  async #startRedis(): Promise<void> {
    const server = await startRedisServer({ args: this.options.redisArgs ?? [] });
    this.use({ [Symbol.asyncDispose]: () => server.stop() });
    this.#redis = server;
  }

  async #redisUrl(relays: TcpProxy[], at: number): Promise<string> {
    if (this.#brought !== undefined) return this.#brought.url;
    const { port, url } = this.redis;
    if (this.options.crowded === true) return url;
    const relay = relays[at] ?? this.use(await TcpProxy.start({ host: new URL(url).hostname, port }));
    relays[at] = relay;
    return `redis://127.0.0.1:${relay.port}`;
  }
}

function missing(what: string): never {
  throw new Error(`this world has no ${what}`);
}
