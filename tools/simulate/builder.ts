/**
 * The built-in builder: publishes a {@link SimulatedChain} on a WebSocket at a builder's pace, with faults on demand. It is
 * what `flashcast simulate` runs and what `proxy --demo` connects to.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { monotonicMs, stampMessage } from '../stamp.ts';
import { GENESIS_MS, MESSAGES_PER_BLOCK, SimulatedChain } from './chain.ts';
import { FaultPlanner, NO_FAULTS, type Faults, type PlannedFrame } from './faults.ts';
import type { ProfileName } from './profile.ts';
import { Publisher } from './publisher.ts';

export type FrameKind = 'text' | 'binary' | 'brotli';

/** What was published of one block, told when the next block begins. */
export interface BlockSummary {
  readonly blockNumber: number;
  readonly frames: number;
  /** Plain bytes of these frames. */
  readonly bytes: number;
  readonly clients: number;
}

export interface BuilderOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Milliseconds from message to message; default 182, which makes Base's 11 messages in two seconds. */
  readonly intervalMs?: number;
  /** Default 1. Builders of one seed and interval publish the same bytes at the same time, also over restarts. */
  readonly seed?: number;
  /** Text JSON (default, as builders send), Binary JSON, or Binary brotli (as another proxy sends). */
  readonly frame?: FrameKind;
  /** Whether messages name the time of their sending; the bytes are nobody else's then. Default false. */
  readonly stamp?: boolean;
  /** The block to begin with, from its index 0; by default the position follows the wall clock. */
  readonly startBlock?: number;
  /** What messages weigh and carry; default `base`. */
  readonly profile?: ProfileName;
  /** Milliseconds by which every message is later than its time; default 0. */
  readonly delayMs?: number;
  /** When the start block begins, in Unix milliseconds; default at the start. Builders that race are given one time. */
  readonly startAtMs?: number;
  /** Draws the faults; default as `seed`, so that builders of one seed fail alike. */
  readonly faultSeed?: number;
  readonly faults?: Faults;
  readonly onBlock?: (summary: BlockSummary) => void;
}

export interface Builder {
  /** Resolves when clients can connect; rejects with the system's error. */
  start(): Promise<void>;
  /** Closes clients with 1001. Idempotent. */
  stop(): Promise<void>;
  /** `ws://HOST:PORT/`, once started; any path will do. */
  readonly url: string;
}

export const DEFAULT_INTERVAL_MS = 182;
/** After a longer standstill than this many messages the chain goes on where the clock is, as a builder's does. */
const MAX_BURST = 6 * MESSAGES_PER_BLOCK;
/** As `flashcast` itself encodes: quality 4 and the reference's window. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 22 } };
const compress = promisify(brotliCompress);

class ChainBuilder implements Builder {
  readonly #publisher: Publisher;
  readonly #intervalMs: number;
  readonly #startBlock: number | undefined;
  readonly #startAtMs: number | undefined;
  readonly #delayMs: number;
  readonly #frame: FrameKind;
  readonly #stamp: boolean;
  readonly #planner: FaultPlanner;
  readonly #chains: readonly [SimulatedChain, SimulatedChain];
  readonly #onBlock: (summary: BlockSummary) => void;
  #timer: NodeJS.Timeout | undefined;
  #originMs = 0;
  #next = 0;
  #stopped = false;
  #block = { blockNumber: -1, frames: 0, bytes: 0 };

  constructor(options: BuilderOptions) {
    const seed = options.seed ?? 1;
    this.#publisher = new Publisher({ host: options.host ?? '127.0.0.1', port: options.port ?? 0 });
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.#startBlock = options.startBlock;
    this.#startAtMs = options.startAtMs;
    this.#delayMs = options.delayMs ?? 0;
    this.#frame = options.frame ?? 'text';
    this.#stamp = options.stamp ?? false;
    this.#planner = new FaultPlanner(options.faults ?? NO_FAULTS, options.faultSeed ?? seed);
    const { profile = 'base' } = options;
    const blockMs = this.#intervalMs * MESSAGES_PER_BLOCK;
    const chain = { seed, profile, ...(options.startBlock === undefined && { blockMs }) };
    this.#chains = [new SimulatedChain(chain), new SimulatedChain({ ...chain, variant: 1 })];
    this.#onBlock = options.onBlock ?? (() => undefined);
  }

  get url(): string {
    return this.#publisher.url;
  }

  async start(): Promise<void> {
    await this.#publisher.start();
    const now = Date.now();
    if (this.#startBlock === undefined) {
      // A block is built in the time up to its own.
      this.#originMs = GENESIS_MS - this.#intervalMs * MESSAGES_PER_BLOCK + this.#delayMs;
      this.#next = Math.ceil((now - this.#originMs) / this.#intervalMs);
    } else {
      this.#next = this.#startBlock * MESSAGES_PER_BLOCK;
      this.#originMs = (this.#startAtMs ?? now) + this.#delayMs - this.#next * this.#intervalMs;
    }
    this.#schedule(this.#dueAt(this.#next) - now);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#publisher.stop();
  }

  #dueAt(number: number): number {
    return this.#originMs + number * this.#intervalMs;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#publishDue(), Math.max(0, delayMs));
  }

  async #publishDue(): Promise<void> {
    const behind = Math.floor((Date.now() - this.#dueAt(this.#next)) / this.#intervalMs);
    if (behind > MAX_BURST) this.#next += behind;
    let stallMs = 0;
    while (stallMs === 0 && this.#dueAt(this.#next) <= Date.now() && !this.#stopped) {
      const plan = this.#planner.plan(this.#next);
      if (plan.dropConnections) this.#publisher.dropConnections();
      for (const frame of plan.frames) await this.#publish(frame);
      stallMs = plan.stallMs;
      this.#next++;
      // A machine that cannot keep the pace must still serve its sockets and its signals.
      await nextTurn();
    }
    this.#schedule(Math.max(stallMs, this.#dueAt(this.#next) - Date.now()));
  }

  async #publish({ position, variant }: PlannedFrame): Promise<void> {
    const message = this.#chains[variant].message(position);
    const plain = this.#stamp ? stampMessage(message, monotonicMs()) : message;
    this.#count(position.blockNumber, plain.length);
    const payload = this.#frame === 'brotli' ? await compress(plain, BROTLI) : plain;
    this.#publisher.send(payload, this.#frame !== 'text', position);
  }

  #count(blockNumber: number, bytes: number): void {
    if (blockNumber > this.#block.blockNumber) {
      if (this.#block.frames > 0) this.#onBlock({ ...this.#block, clients: this.#publisher.clients });
      this.#block = { blockNumber, frames: 0, bytes: 0 };
    }
    this.#block.frames++;
    this.#block.bytes += bytes;
  }
}

/** A builder that listens from `start()` on. */
export function createBuilder(options: BuilderOptions = {}): Builder {
  return new ChainBuilder(options);
}
