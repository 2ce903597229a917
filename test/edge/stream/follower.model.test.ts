import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Delivery } from '../../../edge/stream/contract.ts';
import { Follower, type FollowerAction } from '../../../edge/stream/follower.ts';
import type { HistoryRead, StreamBounds } from '../../../shared/backplane/backplane.ts';
import { SimulatedRedis } from './simulated-redis.ts';

const BOUNDS: StreamBounds = { streamMaxMessages: 8, streamMaxBytes: 1_000_000, streamRetentionMs: 12_000 };
const TICK_MS = 250;

type Step =
  | { readonly do: 'publish'; readonly messages: number; readonly again: boolean }
  | { readonly do: 'receive' | 'drop'; readonly messages: number }
  | { readonly do: 'duplicate' | 'execute' | 'answer' | 'fail' | 'answer nothing' | 'disconnect' | 'connect' }
  | { readonly do: 'pass'; readonly ticks: number }
  | { readonly do: 'failover'; readonly lacks: number; readonly disconnects: boolean }
  | { readonly do: 'lose state'; readonly history: boolean }
  | { readonly do: 'replace ingest' };

const few = fc.integer({ min: 1, max: 4 });
const publish = fc.record({ do: fc.constant('publish' as const), messages: few, again: fc.boolean() });
const word = fc.constantFrom(
  'duplicate' as const,
  'execute' as const,
  'answer' as const,
  'fail' as const,
  'answer nothing' as const,
  'disconnect' as const,
  'connect' as const,
);
/** Everything that happens between an edge and a Redis that keeps its word. */
const usual = [
  { weight: 4, arbitrary: publish },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('receive' as const, 'drop' as const), messages: few }) },
  { weight: 5, arbitrary: fc.record({ do: word }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ticks: fc.integer({ min: 1, max: 20 }) }) },
];
const failures = [
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('failover' as const),
      lacks: fc.integer({ min: 1, max: 8 }),
      disconnects: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose state' as const), history: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'replace ingest' as const }) },
];

/** An edge's follower against the simulated Redis; a history read takes effect and is answered at different times. */
class World {
  readonly redis = new SimulatedRedis(BOUNDS);
  readonly follower = new Follower(BOUNDS);
  readonly delivered: Delivery[] = [];
  #connected = false;
  #asked: number | undefined;
  #executed: HistoryRead | undefined;
  #lastReceived: SimulatedRedis['transit'][number] | undefined;

  take(step: Step): void {
    switch (step.do) {
      case 'publish':
        for (let message = 0; message < step.messages; message += 1) this.redis.publish(step.again);
        if (!this.#connected) this.redis.transit = [];
        break;
      case 'receive':
        for (const envelope of this.redis.transit.splice(0, step.messages)) {
          this.#lastReceived = envelope;
          this.#carryOut(this.follower.live(envelope));
        }
        break;
      case 'drop':
        this.redis.transit.splice(0, step.messages);
        break;
      case 'duplicate':
        if (this.#lastReceived) this.#carryOut(this.follower.live(this.#lastReceived));
        break;
      case 'execute':
        if (this.#asked !== undefined) this.#executed ??= this.redis.readAfter(this.#asked);
        break;
      case 'answer':
        if (this.#executed) this.#answer(this.#executed);
        break;
      case 'answer nothing':
        // An answer of nothing to the first read is what an edge would have to believe.
        if (this.follower.filled) this.#answer({ envelopes: [], oldestSequence: undefined });
        break;
      case 'fail':
        this.#fail();
        break;
      case 'disconnect':
        this.#setConnected(false);
        break;
      case 'connect':
        this.#setConnected(true);
        break;
      case 'pass':
        for (let tick = 0; tick < step.ticks; tick += 1) this.#pass();
        break;
      case 'failover':
        this.redis.failover(step.lacks);
        if (step.disconnects) this.#setConnected(false);
        break;
      case 'lose state':
        this.redis.loseState(step.history);
        break;
      case 'replace ingest':
        this.redis.replaceIngest();
        break;
    }
  }

  /** Everything works from now on, until all has come that will. */
  comeToRest(ms: number): void {
    this.#setConnected(true);
    this.take({ do: 'receive', messages: Infinity });
    for (let tick = 0; tick < ms / TICK_MS; tick += 1) {
      this.#pass();
      for (let reads = 0; this.#asked !== undefined; reads += 1) {
        assert.ok(reads < 5, 'reads the history again and again');
        this.take({ do: 'execute' });
        this.take({ do: 'answer' });
      }
    }
  }

  #pass(): void {
    this.take({ do: 'receive', messages: Infinity });
    this.redis.pass(TICK_MS);
    if (this.#connected && this.redis.now % 1000 === 0) this.#carryOut(this.follower.headRead(this.redis.head()));
    this.#carryOut(this.follower.tick(this.redis.now));
  }

  #setConnected(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.redis.transit = [];
    if (!connected) this.#fail();
    this.#carryOut(this.follower.available(connected));
  }

  #answer(read: HistoryRead): void {
    if (this.#asked === undefined) return;
    this.#asked = undefined;
    this.#executed = undefined;
    this.#carryOut(this.follower.historyRead(read));
  }

  #fail(): void {
    if (this.#asked === undefined) return;
    this.#asked = undefined;
    this.#executed = undefined;
    this.#carryOut(this.follower.historyFailed());
  }

  #carryOut(actions: readonly FollowerAction[]): void {
    for (const action of actions) {
      if (action.action === 'deliver') this.delivered.push(action.delivery);
      if (action.action === 'readHistory') {
        assert.equal(this.#asked, undefined, 'two reads at a time');
        assert.ok(this.#connected, 'a read while the backplane is away');
        this.#asked = action.afterSequence;
      }
    }
    assert.ok(this.follower.waiting <= BOUNDS.streamMaxMessages);
  }
}

function assertNothingRepeated({ delivered }: World): void {
  const contents = delivered.map(({ envelope }) => envelope.contentHash);
  assert.equal(new Set(contents).size, contents.length, 'a content was delivered twice');
}

function assertNothingOverlooked({ redis, delivered }: World): void {
  const contents = new Set(delivered.map(({ envelope }) => envelope.contentHash));
  for (const { envelope } of redis.recent())
    assert.ok(
      contents.has(envelope.contentHash),
      `number ${envelope.sequence} is in the history and was not delivered`,
    );
}

function run(steps: readonly Step[]): World {
  const world = new World();
  world.take({ do: 'connect' });
  for (const step of steps) world.take(step);
  world.comeToRest(3000);
  assertNothingOverlooked(world);
  world.comeToRest(BOUNDS.streamRetentionMs);
  assert.equal(world.follower.waiting, 0, 'messages wait for ever');
  assert.equal(world.follower.behindSince, undefined);
  assertNothingRepeated(world);
  return world;
}

describe('follower against a simulated Redis', () => {
  it('delivers in order, each message once, all that can be had, and counts exactly what cannot', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...usual), { maxLength: 80 }), (steps) => {
        const world = run(steps);
        world.delivered.forEach(({ envelope, lostBefore }, at) => {
          const before = world.delivered[at - 1]?.envelope.sequence ?? envelope.sequence - 1;
          assert.ok(envelope.sequence > before, 'out of order');
          assert.equal(lostBefore, envelope.sequence - before - 1);
        });
      }),
      { numRuns: 1500 },
    );
  });

  it('follows a stream that is set back, loses its state or all of it, and its ingest', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...usual, ...failures), { maxLength: 80 }), (steps) => {
        const world = run(steps);
        const { everStored } = world.redis;
        const had = new Set<string>();
        const contents = new Set<string>();
        let branchBefore = 0;
        let highest = 0;
        for (const { envelope, lostBefore } of world.delivered) {
          const branch = everStored.get(envelope.token)?.branch ?? NaN;
          assert.ok(branch >= branchBefore, 'went back to a stream that is no more');
          branchBefore = branch;

          // What the model knows to stand between this message and the newest before it that the edge had.
          let missing = 0;
          let ancestor = everStored.get(envelope.predecessor)?.envelope;
          while (ancestor?.epoch === envelope.epoch && !had.has(ancestor.token)) {
            if (!contents.has(ancestor.contentHash)) missing += 1;
            ancestor = everStored.get(ancestor.predecessor)?.envelope;
          }
          if (had.size > 0 && missing > 0) assert.ok(lostBefore > 0, `number ${envelope.sequence} hides a loss`);
          if (highest >= envelope.sequence - 1 && missing === 0 && ancestor !== undefined && had.has(ancestor.token)) {
            assert.equal(lostBefore, 0, `number ${envelope.sequence} counts a loss that is none`);
          }
          had.add(envelope.token);
          contents.add(envelope.contentHash);
          highest = Math.max(highest, envelope.sequence);
        }
      }),
      { numRuns: 1500 },
    );
  });
});
