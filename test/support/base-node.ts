import { SequenceChecker } from '../../shared/sequence-checker.ts';
import type { Changes } from './changes.ts';
import type { MessageTable } from './message-table.ts';
import { OPCODE } from './raw-frames.ts';
import { WireClient } from './wire-client.ts';

/** How often a base node pings, and so how long it waits for the Pong. */
const PING_EVERY_MS = 500;
/** Its waits before it dials again, where it does wait. */
const BACKOFF_MS = { first: 1000, most: 10_000 };

/** Where a connection began among what a node received. */
export interface Seam {
  /** How many messages the node had received before. */
  readonly at: number;
  readonly url: string;
  /** What the answer said of the resume; `undefined` where none was asked for or told. */
  readonly outcome: string | undefined;
}

export interface BaseNodeOptions {
  /** The URL of its next dial, on 127.0.0.1. */
  readonly url: (node: BaseNode) => string;
  /** Whether it names the position that it received last. A base node of today does not. */
  readonly resume: boolean;
  /** Whether it sends no pings and so waits for what is late, as some other consumers do; default false. */
  readonly patient?: boolean;
  /** What it had received last, plain, before this began: where it resumes at first. */
  readonly behind?: Buffer | undefined;
  /** What it sends with its handshake beside what it must; default nothing. */
  readonly headers?: (number: number) => Readonly<Record<string, string>>;
  /** Clock and timers; default those of the process. */
  readonly clock?: NodeClock;
}

/** What a node needs of time. */
export interface NodeClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls once, after so many milliseconds. @returns cancels it */
  after(ms: number, callback: () => void): () => void;
}

const PROCESS_CLOCK: NodeClock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * A base node as the proxy meets it (client-protocol, "Timing facts about real consumers"): pings with an empty payload at
 * once and every 500 ms, and drops the connection when no Pong came by the next tick; dials again at once after a Close or
 * a read error, else after 1 s doubling to 10 s.
 */
export class BaseNode {
  readonly number: number;
  readonly resumes: boolean;
  /** Numbers of the messages it received, by the fleet's table, and when, by its clock. */
  readonly received: number[] = [];
  readonly receivedAt: number[] = [];
  readonly seams: Seam[] = [];
  /** Connections that were closed, by their close code; 1006 for those that ended without a Close. */
  readonly closes = new Map<number, number>();
  /** When it dialled, by its clock. */
  readonly dialledAt: number[] = [];
  /** When each of its connections was there, by its clock. */
  readonly openedAt: number[] = [];
  /** When each of them ended, as far as they have. */
  readonly closedAt: { readonly at: number; readonly code: number }[] = [];
  /** How long it waited for each pong that came, in milliseconds, and when that was, by its clock. */
  readonly pongMs: number[] = [];
  readonly pongAt: number[] = [];
  pongTimeouts = 0;
  failedDials = 0;
  violations = 0;
  /** How often it threw a block's pending state away. */
  wipedBlocks = 0;
  /** Longest time between two flashblocks, in milliseconds. */
  longestGapMs = 0;
  readonly #options: BaseNodeOptions;
  readonly #clock: NodeClock;
  readonly #table: MessageTable;
  readonly #changes: Changes;
  readonly #checker = new SequenceChecker();
  #wire: WireClient | undefined;
  #connected = false;
  #closeCode: number | undefined;
  /** Whether the end of the connection to come was the node's own doing. */
  #gaveUp = false;
  #pongDue = false;
  #pingedAt = 0;
  #backoffMs = BACKOFF_MS.first;
  #cancelTimer: () => void = () => undefined;
  #last: { readonly blockNumber: number; readonly index: number; readonly payloadId: string } | undefined;
  #stopped = false;

  constructor(number: number, options: BaseNodeOptions, table: MessageTable, changes: Changes) {
    this.number = number;
    this.resumes = options.resume;
    this.#options = options;
    this.#clock = options.clock ?? PROCESS_CLOCK;
    this.#table = table;
    this.#changes = changes;
    if (options.behind !== undefined) this.#message(options.behind, false);
    this.#dial();
  }

  get connected(): boolean {
    return this.#connected;
  }
  /** Times that it was connected. */
  get connects(): number {
    return this.seams.length;
  }

  /** Ends it for good. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#wire?.destroy();
  }

  #dial(): void {
    const given = this.#options.url(this);
    const url = new URL(given);
    if (this.#options.resume && this.#last !== undefined) {
      url.searchParams.set('block_number', String(this.#last.blockNumber));
      url.searchParams.set('flashblock_index', String(this.#last.index));
      url.searchParams.set('payload_id', this.#last.payloadId);
    }
    this.dialledAt.push(this.#clock.now());
    this.#closeCode = undefined;
    this.#gaveUp = false;
    this.#wire = new WireClient(
      {
        port: Number(url.port),
        path: url.pathname + url.search,
        headers: this.#options.headers?.(this.number) ?? {},
      },
      {
        answered: (status, headers) => {
          if (status === 101) this.#opened(given, headers.get('flashcast-resume'));
          else this.#wire?.destroy();
        },
        frame: (opcode, payload) => this.#take(opcode, payload),
        closed: () => this.#closed(),
      },
    );
  }

  #opened(url: string, outcome: string | undefined): void {
    this.#connected = true;
    this.#backoffMs = BACKOFF_MS.first;
    this.openedAt.push(this.#clock.now());
    this.seams.push({ at: this.received.length, url, outcome });
    this.#ping();
    this.#changes.notify();
  }

  #ping(): void {
    if (this.#options.patient === true) return;
    this.#pongDue = true;
    this.#pingedAt = this.#clock.now();
    this.#wire?.send(OPCODE.ping);
    this.#cancelTimer = this.#clock.after(PING_EVERY_MS, () => {
      // A node of its own would have read what lies in its socket by now; this process reads for all of them.
      setImmediate(() => this.#tick());
    });
  }

  #tick(): void {
    if (!this.#connected || this.#stopped) return;
    if (!this.#pongDue) {
      this.#ping();
      return;
    }
    this.pongTimeouts++;
    this.#gaveUp = true;
    this.#wire?.destroy();
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.text || opcode === OPCODE.binary) this.#message(payload, opcode === OPCODE.binary);
    else if (opcode === OPCODE.pong) this.#ponged();
    else if (opcode === OPCODE.ping) this.#wire?.send(OPCODE.pong, payload);
    else if (opcode === OPCODE.close) {
      this.#closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
      this.#wire?.close(payload.subarray(0, 2));
    }
  }

  #ponged(): void {
    if (!this.#pongDue) return;
    this.#pongDue = false;
    const now = this.#clock.now();
    this.pongMs.push(now - this.#pingedAt);
    this.pongAt.push(now);
  }

  #message(payload: Buffer, isBinary: boolean): void {
    const { number } = this.#table.register(payload, isBinary);
    const now = this.#clock.now();
    const before = this.receivedAt.at(-1);
    if (before !== undefined) this.longestGapMs = Math.max(this.longestGapMs, now - before);
    this.received.push(number);
    this.receivedAt.push(now);
    const head = this.#table.messages[number]?.head;
    if (head !== undefined) {
      const wiped = this.#checker.wiped;
      if (this.#checker.check(head).verdict === 'violation') {
        this.violations++;
        if (!wiped) this.wipedBlocks++;
      }
      this.#last = { ...head.position, payloadId: head.payloadId };
    }
    this.#changes.notify();
  }

  #closed(): void {
    const wasConnected = this.#connected;
    this.#connected = false;
    this.#cancelTimer();
    this.#changes.notify();
    if (this.#stopped) return;
    if (wasConnected) {
      const code = this.#closeCode ?? 1006;
      this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
      this.closedAt.push({ at: this.#clock.now(), code });
    } else this.failedDials++;
    if (wasConnected && !this.#gaveUp) {
      this.#dial();
      return;
    }
    this.#cancelTimer = this.#clock.after(this.#backoffMs, () => this.#dial());
    this.#backoffMs = Math.min(2 * this.#backoffMs, BACKOFF_MS.most);
  }
}
