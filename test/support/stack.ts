import { freePort, metricValue, Program } from './program.ts';

/** Settings by their environment names. */
export type Settings = Readonly<Record<string, string>>;

/** Short enough for a test, and long enough for a client to see its Close. */
const QUICK_DRAIN: Settings = { DRAIN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '1000' };
/** All clients of a test come from one address. */
const NO_LIMITS: Settings = {
  INSTANCE_CONNECTION_LIMIT: '5000',
  PER_IP_CONNECTION_LIMIT: '0',
  CONNECT_RATE_PER_IP: '0',
};

/** A running `proxy`, `ingest` or `edge` as its own process. */
export class Server implements AsyncDisposable {
  readonly program: Program;
  /** Where clients connect; an ingest has none. */
  readonly port: number;
  readonly metricsPort: number;

  constructor(program: Program, port: number, metricsPort: number) {
    this.program = program;
    this.port = port;
    this.metricsPort = metricsPort;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Resolves when `/readyz` says 200. */
  async ready(): Promise<this> {
    await this.program.ready(this.metricsPort);
    return this;
  }

  /** A page of the operations server. */
  async page(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.metricsPort}${path}`);
    return response.text();
  }

  /** The value of a metric now, summed over the label sets that contain `labels`. */
  async metric(name: string, labels?: string): Promise<number> {
    return metricValue(await this.page('/metrics'), name, labels);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

async function start(
  program: 'proxy' | 'ingest' | 'edge',
  settings: Settings,
  { flags = [], build }: { readonly flags?: readonly string[]; readonly build?: string | undefined } = {},
): Promise<Server> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const clients: Settings =
    program === 'ingest' ? {} : { LISTEN_ADDR: `127.0.0.1:${port}`, ...NO_LIMITS, ...QUICK_DRAIN };
  return new Server(
    Program.start([program, ...flags], { METRICS_ADDR: `127.0.0.1:${metricsPort}`, ...clients, ...settings }, build),
    port,
    metricsPort,
  );
}

/** Starts a proxy; with `ready()` it waits for an upstream. */
export function startProxy(upstreams: readonly string[], settings: Settings = {}): Promise<Server> {
  return start('proxy', { UPSTREAM_WS: upstreams.join(','), ...settings });
}

/** Starts a proxy over the built-in builder. */
export function startDemo(): Promise<Server> {
  return start('proxy', {}, { flags: ['--demo'] });
}

/**
 * Starts an ingest that publishes to Redis.
 *
 * @param build see {@link Program.start}
 */
export function startIngest(
  upstreams: readonly string[],
  redisUrl: string,
  settings: Settings = {},
  build?: string,
): Promise<Server> {
  return start('ingest', { UPSTREAM_WS: upstreams.join(','), REDIS_URL: redisUrl, ...settings }, { build });
}

/**
 * Starts an edge that follows Redis.
 *
 * @param build see {@link Program.start}
 */
export function startEdge(redisUrl: string, settings: Settings = {}, build?: string): Promise<Server> {
  return start('edge', { REDIS_URL: redisUrl, ...settings }, { build });
}
