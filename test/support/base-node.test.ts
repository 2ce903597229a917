import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { TestBuilder } from './builder.ts';
import type { NodeClock } from './base-node.ts';
import { BaseNodeFleet } from './base-node-fleet.ts';
import { flashblockJson } from './messages.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { usesResources } from './use.ts';

/** Timers that fire when a test says so. */
class TestClock implements NodeClock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }
  /** Milliseconds until each timer is due, in the order in which they were set. */
  get due(): number[] {
    return this.#timers.map(({ at }) => at - this.#now);
  }
  pass(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
  }
}

function message(blockNumber: number, index: number): Buffer {
  return flashblockJson({ blockNumber, index });
}

describe('test support: the base node', () => {
  const use = usesResources();

  /** One node at a builder, on a clock of the test's. */
  async function oneNode({ resume = true, port = 0 } = {}) {
    const builder = use(await TestBuilder.start());
    const clock = new TestClock();
    const url = `ws://127.0.0.1:${port === 0 ? builder.port : port}/ws?key=1`;
    const fleet = use(await BaseNodeFleet.connect({ nodes: 1, resume: () => resume, url: () => url, clock }));
    const [connection] = await builder.connected();
    return { builder, clock, fleet, node: fleet.nodes[0]!, connection: connection! };
  }

  it('pings at once and every 500 ms, as long as it gets its Pong', async () => {
    const { builder, clock, fleet, node, connection } = await oneNode();
    for (let pings = 1; pings < 4; pings++) {
      await builder.changes.until(() => connection.pings === pings, `${pings} pings`);
      // A message that is sent behind the Pong: the node has both.
      connection.sendText(message(7, pings - 1));
      await fleet.received(pings);
      assert.deepEqual(clock.due, [500]);
      clock.pass(500);
    }
    assert.deepEqual([node.pongTimeouts, node.connects], [0, 1]);
  });

  it('drops the connection when no Pong came by the next tick, and dials again after 1 s', async () => {
    const { builder, clock, fleet, node, connection } = await oneNode();
    await builder.changes.until(() => connection.pings === 1, 'the first ping');
    connection.sendText(message(7, 0));
    await fleet.received(1);
    connection.freeze();
    clock.pass(500);
    await turn();
    assert.deepEqual([node.connected, clock.due], [true, [500]]);
    clock.pass(500);
    await fleet.changes.until(() => !node.connected, 'the end of the connection');
    assert.deepEqual([node.pongTimeouts, node.closes.get(1006), clock.due], [1, 1, [1000]]);
    clock.pass(1000);
    await fleet.connected();
    assert.equal(node.connects, 2);
  });

  it('dials again at once after a Close and after a cut, without waiting', async () => {
    const { builder, fleet, node, connection } = await oneNode();
    connection.close(1001);
    await fleet.changes.until(() => node.connects === 2, 'the second connection');
    await builder.changes.until(() => builder.open.length === 1, 'one open connection');
    builder.open[0]!.cut();
    await fleet.changes.until(() => node.connects === 3, 'the third connection');
    assert.deepEqual(
      [...node.closes],
      [
        [1001, 1],
        [1006, 1],
      ],
    );
  });

  it('waits 1 s doubling to 10 s between dials that fail, and begins anew after one that did not', async () => {
    const { builder, clock, fleet, node, connection } = await oneNode();
    builder.reception = 503;
    connection.cut();
    for (const [at, wait] of [1000, 2000, 4000, 8000, 10_000, 10_000].entries()) {
      await fleet.changes.until(() => node.failedDials === at + 1, `failed dial ${at + 1}`);
      assert.deepEqual(clock.due, [wait]);
      if (wait === 10_000) builder.reception = at === 5 ? 'accept' : 503;
      clock.pass(wait);
    }
    await fleet.connected();
    builder.reception = 503;
    for (const open of builder.open) open.cut();
    await fleet.changes.until(() => node.failedDials === 7, 'another failed dial');
    assert.deepEqual(clock.due, [1000]);
  });

  for (const resume of [true, false]) {
    it(`${resume ? 'names' : 'does not name'} the position that it received last, and keeps the query of its URL`, async () => {
      const { builder, fleet, node, connection } = await oneNode({ resume });
      connection.sendText(message(7, 0));
      connection.sendText(message(7, 1));
      await fleet.received(2);
      connection.close(1001);
      await fleet.changes.until(() => node.connects === 2, 'the second connection');
      assert.deepEqual(
        builder.attempts.map(({ url }) => url),
        [
          '/ws?key=1',
          resume ? '/ws?key=1&block_number=7&flashblock_index=1&payload_id=0x0000000000000007' : '/ws?key=1',
        ],
      );
      assert.deepEqual(
        node.seams.map(({ at }) => at),
        [0, 2],
      );
    });
  }

  it('counts violations, the blocks that it wipes, and the time without a flashblock', async () => {
    const { clock, fleet, node, connection } = await oneNode();
    const places = [
      [7, 0],
      [7, 1],
      [7, 3], // wiped
      [7, 2], // late, and wiped already
      [8, 0],
      [8, 1],
      [8, 1], // a repeat, ignored
      [8, 2],
      [9, 1], // wiped
    ] as const;
    for (const [at, [blockNumber, index]] of places.entries()) {
      connection.sendText(message(blockNumber, index));
      await fleet.received(at + 1);
      clock.pass(at === 4 ? 400 : 1);
    }
    assert.deepEqual([node.violations, node.wipedBlocks, node.longestGapMs], [3, 2, 400]);
  });

  it('receives each message once into the table, whatever many nodes receive', async () => {
    const builder = use(await TestBuilder.start());
    const fleet = use(await BaseNodeFleet.connect({ nodes: 30, resume: (at) => at % 2 === 0, url: () => builder.url }));
    await builder.connected(30);
    for (const index of [0, 1, 2]) builder.sendText(message(7, index));
    await fleet.received(3);
    assert.equal(fleet.table.messages.length, 3);
    assert.deepEqual(
      fleet.nodes.map(({ received }) => received),
      fleet.nodes.map(() => [0, 1, 2]),
    );
  });
});

describe('test support: a builder that serves resumes', () => {
  const use = usesResources();

  it('sends what stands behind the position, and nothing to those that name none', async () => {
    const builder = use(await TestBuilder.start({ resumes: true }));
    for (const index of [0, 1, 2, 3]) builder.sendText(message(7, index));
    const fleet = use(
      await BaseNodeFleet.connect({
        nodes: 2,
        url: ({ number }) => builder.url + (number === 0 ? '?block_number=7&flashblock_index=1' : ''),
      }),
    );
    await builder.connected(2);
    builder.sendText(message(8, 0));
    await fleet.changes.until(() => fleet.nodes[0]!.received.length === 3, 'the resumed messages');
    await fleet.received(1);
    const places = fleet.nodes.map(({ received }) =>
      received.map((number) => fleet.table.messages[number]!.head?.position.index),
    );
    assert.deepEqual(places, [[2, 3, 0], [0]]);
  });
});

describe('test support: a relay that mutes', () => {
  const use = usesResources();

  for (const [direction, expected] of [
    ['request', [0, 1]],
    ['answer', [1, 0]],
    [undefined, [0, 0]],
  ] as const) {
    it(`lets nothing pass on the connections of then (${direction ?? 'both directions'}), and everything on new ones`, async () => {
      const builder = use(await TestBuilder.start());
      const relay = use(await TcpProxy.start({ port: builder.port }));
      const clock = new TestClock();
      const url = (): string => `ws://127.0.0.1:${relay.port}/ws`;
      const old = use(await BaseNodeFleet.connect({ nodes: 1, url, clock }));
      const [connection] = await builder.connected();
      await builder.changes.until(() => connection!.pings === 1, 'the first ping');
      connection!.sendText(message(7, 0));
      await old.received(1);
      relay.mute(direction);
      clock.pass(500);
      connection!.sendText(message(7, 1));
      const fresh = use(await BaseNodeFleet.connect({ nodes: 1, url }));
      await builder.connected(2);
      await builder.changes.until(() => builder.open[1]!.pings === 1, 'a ping on the new connection');
      builder.open[1]!.sendText(message(7, 2));
      await fresh.received(1);
      // Both went over the same machine at the same time: what passes has had its turn.
      if (expected[0] === 1) await builder.changes.until(() => connection!.pings === 2, 'a ping that passes');
      if (expected[1] === 1) await old.received(2);
      assert.deepEqual([connection!.pings - 1, old.nodes[0]!.received.length - 1], expected);
    });
  }
});
