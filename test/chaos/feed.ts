import { contentHashOf } from '../../shared/envelope.ts';
import type { Position } from '../../shared/flashblock.ts';
import { MESSAGES_PER_BLOCK, SimulatedChain } from '../../tools/simulate/chain.ts';
import type { Random } from '../../tools/simulate/random.ts';
import { Changes } from '../support/changes.ts';
import { TestBuilder } from '../support/builder.ts';
import { flashblockJson } from '../support/messages.ts';
import { Truth } from './truth.ts';

/** A second builder of a chain has a message so much later than the first at most. */
const MAX_LAG_MS = 20;

/** How a builder fails, as shares of its messages (0 to 1). */
export interface FeedFaults {
  readonly skip: number;
  /** Sends one of the last few again. */
  readonly repeat: number;
  /** Sends the message behind the next one. */
  readonly reorder: number;
}

const FAULTLESS: FeedFaults = { skip: 0, repeat: 0, reorder: 0 };
/** Messages that may be repeated: three blocks. */
const MAX_RECENT = 3 * MESSAGES_PER_BLOCK;

/** One builder of the chain, and what is wrong with it. */
export class FeedBuilder {
  readonly builder: TestBuilder;
  /** What the row did to it. */
  faults: FeedFaults = FAULTLESS;
  readonly #random: Random;
  readonly #recent: Buffer[] = [];
  #late: Buffer | undefined;
  #stopped = false;

  constructor(builder: TestBuilder, random: Random) {
    this.builder = builder;
    this.#random = random;
  }

  /** Sends a message of the chain as its faults have it. */
  publish(json: Buffer): void {
    if (this.#stopped || this.#random.chance(this.faults.skip)) return;
    const late = this.#late;
    this.#late = undefined;
    if (late === undefined && this.#random.chance(this.faults.reorder)) this.#late = json;
    else this.send(json);
    if (late !== undefined) this.send(late);
    if (this.#random.chance(this.faults.repeat)) this.send(this.#random.popular([...this.#recent, json]));
    this.#recent.push(json);
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
  }

  /** Sends anything, past the truth. */
  send(json: Buffer): void {
    this.builder.sendText(json);
  }

  /** Dies: its connections are cut and none is taken any more. */
  async die(): Promise<void> {
    this.#stopped = true;
    await this.builder.stop();
  }
}

export interface FeedOptions {
  readonly builders: number;
  /** Milliseconds from message to message. */
  readonly everyMs: number;
  readonly startBlock: number;
  /** Whether builders serve `block_number` and `flashblock_index`. */
  readonly resumes: boolean;
  /** Messages of some hundred bytes instead of realistic ones. */
  readonly small: boolean;
  readonly random: Random;
}

/** A chain and its builders: what they publish is the {@link Truth}. A row sees to it that one builder is whole. */
export class Feed implements AsyncDisposable {
  readonly truth = new Truth();
  readonly changes = new Changes();
  readonly builders: readonly FeedBuilder[];
  readonly #chain: SimulatedChain;
  readonly #small: boolean;
  readonly #random: Random;
  readonly #everyMs: number;
  readonly #delayed = new Set<NodeJS.Timeout>();
  #blockNumber: number;
  #index = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: FeedOptions, builders: readonly TestBuilder[]) {
    this.#random = options.random;
    this.#everyMs = options.everyMs;
    this.#blockNumber = options.startBlock;
    this.#small = options.small;
    this.#chain = new SimulatedChain({ seed: options.random.word() });
    this.builders = builders.map((builder) => new FeedBuilder(builder, options.random));
  }

  static async start(options: FeedOptions): Promise<Feed> {
    const { builders, resumes } = options;
    return new Feed(options, await Promise.all(Array.from({ length: builders }, () => TestBuilder.start({ resumes }))));
  }

  get urls(): readonly string[] {
    return this.builders.map(({ builder }) => builder.url);
  }

  /** The message of the chain at a position. */
  messageAt(position: Position): Buffer {
    return this.#small ? flashblockJson(position) : this.#chain.message(position);
  }

  /** The position that is published next. */
  get next(): Position {
    return { blockNumber: this.#blockNumber, index: this.#index };
  }

  /** Publishes at the steady pace from now on. Idempotent. */
  run(): void {
    this.#timer ??= setInterval(() => this.publish(), this.#everyMs);
  }

  /** Publishes nothing until {@link run}. */
  pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The chain goes on at index 0 of this block. */
  jumpTo(blockNumber: number): void {
    this.#blockNumber = blockNumber;
    this.#index = 0;
  }

  /** Publishes the next message now: every builder a moment later than the one before, each message at another one first. */
  publish(): void {
    const position = this.next;
    const json = this.messageAt(position);
    const first = this.#random.between(0, this.builders.length - 1);
    for (const [at, builder] of this.builders.entries()) {
      if (at === first) builder.publish(json);
      else this.#later(this.#random.between(1, MAX_LAG_MS), () => builder.publish(json));
    }
    this.truth.add({ position, contentHash: contentHashOf(json), publishedAt: performance.now() });
    this.#index = (this.#index + 1) % MESSAGES_PER_BLOCK;
    if (this.#index === 0) this.#blockNumber++;
    this.changes.notify();
  }

  /** Waits until so many more were published. */
  async more(count: number): Promise<void> {
    const goal = this.truth.length + count;
    const patienceMs = 15_000 + 2 * count * this.#everyMs;
    await this.changes.until(() => this.truth.length >= goal, `${count} more messages`, patienceMs);
  }

  /** Waits until as many were published as the pace has in so many milliseconds. */
  forMs(ms: number): Promise<void> {
    return this.more(Math.ceil(ms / this.#everyMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pause();
    for (const timer of this.#delayed) clearTimeout(timer);
    await Promise.all(this.builders.map(({ builder }) => builder.stop()));
  }

  #later(ms: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      callback();
    }, ms);
    this.#delayed.add(timer);
  }
}
