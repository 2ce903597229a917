/** What is measured: programs, started for one run and ended after it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openProgramsRedis, type ProgramsRedis } from '../test/support/blackbox-redis.ts';
import { ForkedProcess } from '../test/support/forked-process.ts';
import { freePort } from '../test/support/program.ts';
import { startEdge, startIngest, startProxy, type Settings } from '../test/support/stack.ts';
import type { FeedOptions } from './programs/feed.ts';

/** A server that is ready for clients. */
export interface Running {
  readonly url: string;
  /** Processes whose CPU and memory count. */
  readonly pids: readonly number[];
}

/** Collects what a run opened; the last is ended first. */
export type Use = <Resource extends AsyncDisposable>(resource: Resource) => Resource;

export interface Contestant {
  readonly name: string;
  /** @param upstreams URLs of the builder's ports */
  start(upstreams: readonly string[], use: Use): Promise<Running>;
}

/** As many clients as there are descriptors; everything else as it comes, with brotli as most want it. */
const SETTINGS: Settings = { INSTANCE_CONNECTION_LIMIT: '20000', ENABLE_COMPRESSION: 'true' };

const PROCESS_ARGUMENTS = ['--import', 'ts-blank-space/register'];

class BaselineProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(upstream: string, port: number) {
    const module = new URL('./programs/baseline.ts', import.meta.url);
    this.#child = fork(module, [upstream, String(port)], { execArgv: PROCESS_ARGUMENTS });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(): Promise<this> {
    const exited = once(this.#child, 'exit').then((): never => {
      throw new Error('the baseline ended');
    });
    await Promise.race([once(this.#child, 'message'), exited]);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

export const BASELINE: Contestant = {
  name: 'baseline',
  async start([upstream = ''], use) {
    const port = await freePort();
    const { pid } = await use(new BaselineProcess(upstream, port)).ready();
    return { url: `ws://127.0.0.1:${port}/ws`, pids: [pid] };
  },
};

/** `flashcast proxy`, one process without Redis. */
export const PROXY: Contestant = {
  name: 'flashcast',
  async start(upstreams, use) {
    const proxy = await use(await startProxy(upstreams, SETTINGS)).ready();
    return { url: proxy.url, pids: [proxy.program.pid] };
  },
};

export interface StackOptions {
  readonly name: string;
  /** Of the edge. */
  readonly settings?: Settings;
  readonly ingests?: number;
  /** Whose CPU and memory count. */
  readonly counted?: 'edge' | 'ingest';
}

/** Ingests and an edge over Redis. */
export function stack({ name, settings = {}, ingests = 1, counted = 'edge' }: StackOptions): Contestant {
  return {
    name,
    async start(upstreams, use) {
      const redis: ProgramsRedis = use(await openProgramsRedis());
      const pids: number[] = [];
      for (let ingest = 0; ingest < ingests; ingest++)
        pids.push((await use(await startIngest(upstreams, redis.url, redis.settings)).ready()).program.pid);
      const edge = await use(await startEdge(redis.url, { ...SETTINGS, ...redis.settings, ...settings })).ready();
      return { url: edge.url, pids: counted === 'edge' ? [edge.program.pid] : pids };
    },
  };
}

/** Starts the builder. */
export async function startFeed(options: FeedOptions, use: Use): Promise<readonly string[]> {
  const feed = use(new ForkedProcess(new URL('./programs/feed.ts', import.meta.url)));
  return (await feed.ask(options)) as readonly string[];
}
