import type { UpstreamMessage } from '../../../ingest/message.ts';
import { frame, other } from './support.ts';

/** A generator of numbers that gives the same ones for the same seed (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
}

/** One message of the true stream. */
export interface Link {
  readonly at: number;
  /** The message as the given upstream delivers it at the given time. */
  readonly as: (upstream: number, readAt: number) => UpstreamMessage;
}

export interface Delivery {
  readonly at: number;
  readonly message: UpstreamMessage;
}

/** What is not a flashblock may legally recur after 2 s. */
const OTHER_REPLAY_MS = 1500;

/** The other payload comes faster than the winner, as one that is flushed does. */
const RIVAL_FRAME_MS = 50;

/** The stream as the builder makes it: blocks of 1 to 11 flashblocks, now and then something else between. */
export function generateChain(random: Random, { blocks = 8, frameMs = 100, previous = true } = {}): Link[] {
  const links: Link[] = [];
  let last: readonly [number, number] | undefined;
  for (let block = 100; block < 100 + blocks; block += 1) {
    const length = random.whole(1, 11);
    for (let index = 0; index < length; index += 1) {
      const before = previous ? last : undefined;
      const at = links.length * frameMs;
      links.push({
        at,
        as: (upstream, readAt) => frame(block, index, { upstream, readAt, ...(before && { previous: before }) }),
      });
      last = [block, index];
      if (random.chance(0.1)) {
        const text = `{"note":${links.length}}`;
        links.push({ at: links.length * frameMs, as: (upstream, readAt) => other(text, { upstream, readAt }) });
      }
    }
  }
  return links;
}

export interface Faults {
  readonly upstreams: number;
  /** Longest delay of a delivery, in milliseconds. */
  readonly delayMs: number;
  /** Share of messages that an upstream skips. */
  readonly skip: number;
  /** Whether each message reaches somebody all the same. */
  readonly whole: boolean;
  /** Share of deliveries that come once more, a flashblock up to 10 s later. */
  readonly replay: number;
  /** Share of blocks of which an upstream delivers another payload, some time after the block began. */
  readonly rivals: number;
  /** How long after the block's begin the other payload may start. */
  readonly rivalDelayMs: readonly [number, number];
  /** Share of messages beside which an upstream sends a flashblock of an absurd block. */
  readonly absurd: number;
}

/**
 * What the upstreams deliver, in order of time. The very first message comes from all at once, so that nobody begins
 * behind it; the last block has no rival, as the silence after it would let that take over.
 */
export function deliver(chain: readonly Link[], random: Random, faults: Faults): Delivery[] {
  const deliveries: Delivery[] = [];
  const send = (at: number, upstream: number, make: Link['as']) => deliveries.push({ at, message: make(upstream, at) });
  const lastBlock = chain.findLast((link) => link.as(0, 0).head)?.as(0, 0).head?.position.blockNumber;
  for (const link of chain) {
    const first = link === chain[0];
    const sure = faults.whole ? random.whole(0, faults.upstreams - 1) : -1;
    for (let upstream = 0; upstream < faults.upstreams; upstream += 1) {
      if (!first && upstream !== sure && random.chance(faults.skip)) continue;
      send(link.at + (first ? 0 : random.fraction() * faults.delayMs), upstream, link.as);
      if (random.chance(faults.replay)) {
        const latest = link.as(0, 0).head ? 10_000 : OTHER_REPLAY_MS;
        send(link.at + faults.delayMs + random.whole(0, latest), upstream, link.as);
      }
    }
    const position = link.as(0, 0).head?.position;
    if (position === undefined) continue;
    if (random.chance(faults.absurd)) {
      send(link.at, random.whole(0, faults.upstreams - 1), (upstream, readAt) =>
        frame(9e15 + position.index, 0, { upstream, readAt }),
      );
    }
    if (position.index === 0 && position.blockNumber !== lastBlock && random.chance(faults.rivals)) {
      const start = link.at + random.whole(...faults.rivalDelayMs);
      const upstream = random.whole(0, faults.upstreams - 1);
      const length = random.whole(1, 11);
      for (let index = 0; index < length; index += 1) {
        send(start + index * RIVAL_FRAME_MS, upstream, (from, readAt) =>
          frame(position.blockNumber, index, { payload: 'rival', upstream: from, readAt }),
        );
      }
    }
  }
  return deliveries.sort((a, b) => a.at - b.at);
}
