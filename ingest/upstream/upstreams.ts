import { createSystemClock } from './clock.ts';
import { KnownHeads } from './known-heads.ts';
import { createUpstream, type Upstream, type UpstreamDependencies, type UpstreamOptions } from './upstream.ts';

export interface UpstreamsOptions extends UpstreamOptions {
  /** URIs, secrets included. */
  readonly upstreamWs: readonly string[];
}

/** All upstreams of UPSTREAM_WS, connected at once and each on its own. */
export interface Upstreams {
  /** In the order of the list. */
  readonly list: readonly Upstream[];
  /** How many are connected now. */
  readonly connectedCount: number;
  start(): void;
  /** Idempotent. Resolves when all sockets are gone. */
  stop(): Promise<void>;
}

/**
 * Creates one upstream for each URI; nothing is dialled before `start`.
 *
 * @throws UpstreamAddressError
 */
export function createUpstreams(options: UpstreamsOptions, deps: UpstreamDependencies): Upstreams {
  const shared = { ...deps, clock: deps.clock ?? createSystemClock(), heads: deps.heads ?? new KnownHeads() };
  const list = options.upstreamWs.map((uri, position) => createUpstream(uri, position, options, shared));
  return {
    list,
    get connectedCount() {
      return list.filter((upstream) => upstream.connected).length;
    },
    start() {
      for (const upstream of list) upstream.start();
    },
    async stop() {
      await Promise.all(list.map((upstream) => upstream.stop()));
    },
  };
}
