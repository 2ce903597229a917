import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import {
  createBuilder,
  type BlockSummary,
  type Builder,
  type BuilderOptions,
} from '../../../tools/simulate/builder.ts';
import { SimulatedChain } from '../../../tools/simulate/chain.ts';
import { NO_FAULTS, positionOf } from '../../../tools/simulate/faults.ts';
import { Publisher } from '../../../tools/simulate/publisher.ts';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { usesResources } from '../../support/use.ts';

const portOf = (builder: Builder): number => Number(new URL(builder.url).port);

async function withBuilder(options: BuilderOptions, test: (builder: Builder) => Promise<void>): Promise<void> {
  const builder = createBuilder({ seed: 4, intervalMs: 5, startBlock: 1000, ...options });
  await builder.start();
  try {
    await test(builder);
  } finally {
    await builder.stop();
  }
}

describe('the builder', () => {
  const use = usesResources();

  it('publishes the chain in order from its start block, as Text, on any path', async () => {
    await withBuilder({}, async (builder) => {
      const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 2, path: '/any/path?x=1' }));
      await swarm.received(25);
      const chain = new SimulatedChain({ seed: 4 });
      const first = swarm.messages[0]!.head!.position;
      assert.ok(first.blockNumber === 1000 || first.blockNumber === 1001);
      const number = first.blockNumber * 11 + first.index;
      for (const client of swarm.clients) assert.equal(client.disorder, 0);
      for (const at of [0, 1, 20, 24])
        assert.deepEqual(swarm.messages[at]!.plain, chain.message(positionOf(number + at)));
    });
  });

  for (const [frame, opcode] of [
    ['text', false],
    ['binary', true],
    ['brotli', true],
  ] as const) {
    it(`sends ${frame} frames that hold the same JSON`, async () => {
      await withBuilder({ frame }, async (builder) => {
        const client = new WebSocket(builder.url);
        const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
        client.terminate();
        assert.equal(isBinary, opcode);
        assert.equal(data.subarray(0, 1).toString() === '{', frame !== 'brotli');
        const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 1 }));
        await swarm.received(1);
        assert.ok(swarm.messages[0]!.head);
      });
    });
  }

  it('follows the wall clock by default, so that two builders of a seed publish the same', async () => {
    const builders = [createBuilder({ intervalMs: 20 }), createBuilder({ intervalMs: 20 })];
    for (const builder of builders) await builder.start();
    try {
      const swarm = use(await ClientSwarm.connect({ port: portOf(builders[0]!), clients: 1 }));
      const [other] = await swarm.add({ port: portOf(builders[1]!), clients: 1 });
      await swarm.received(5);
      const [one, two] = [swarm.clients[0]!, other!].map(({ positions }) => positions);
      assert.ok(two!.some((position) => one!.includes(position)));
      const { blockNumber, index } = swarm.messages[0]!.head!.position;
      const builtAt = 1_686_789_347_000 + (blockNumber * 11 + index) * 20;
      assert.ok(Math.abs(Date.now() - builtAt) < 60_000);
      const built = swarm.messages.map(({ plain }) => JSON.parse(plain.toString()) as { base?: { timestamp: string } });
      // Within a second of rounding and what the machine is late by.
      for (const { base } of built)
        if (base !== undefined) assert.ok(Math.abs(Number(base.timestamp) * 1000 - Date.now()) < 60_000);
      assert.equal(swarm.messages.length < one!.length + two!.length, true, 'same positions, same bytes');
    } finally {
      for (const builder of builders) await builder.stop();
    }
  });

  it('tells what it published of each block', async () => {
    const summaries: BlockSummary[] = [];
    let told: (() => void) | undefined;
    const twice = new Promise<void>((resolve) => (told = resolve));
    const onBlock = (summary: BlockSummary): void => {
      if (summaries.push(summary) === 2) told?.();
    };
    await withBuilder({ onBlock, intervalMs: 2 }, async () => {
      await twice;
    });
    assert.deepEqual(
      summaries.slice(0, 2).map(({ blockNumber, frames, clients }) => ({ blockNumber, frames, clients })),
      [
        { blockNumber: 1000, frames: 11, clients: 0 },
        { blockNumber: 1001, frames: 11, clients: 0 },
      ],
    );
    assert.ok(summaries[0]!.bytes > 250_000);
  });

  it('cuts connections when that fault is asked for', async () => {
    await withBuilder({ faults: { ...NO_FAULTS, dropConnections: 1 } }, async (builder) => {
      const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 3 }));
      await swarm.closed();
      assert.deepEqual(
        swarm.clients.map(({ closeCode }) => closeCode),
        [undefined, undefined, undefined],
      );
    });
  });

  it('sends what it held after a silence', async () => {
    await withBuilder({ faults: { ...NO_FAULTS, stallEvery: 4, stallMs: 40 } }, async (builder) => {
      const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 1 }));
      await swarm.received(30);
      assert.equal(swarm.clients[0]!.disorder, 0);
      const numbers = swarm.messages.map(({ head }) => head!.position.blockNumber * 11 + head!.position.index);
      assert.deepEqual(
        numbers,
        numbers.map((_, at) => numbers[0]! + at),
      );
    });
  });

  it('gives clients that name a position what was sent behind it, then the live stream', async () => {
    await withBuilder({ profile: 'small' }, async (builder) => {
      const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 1 }));
      await swarm.received(20);
      const { positions } = swarm.clients[0]!;
      const [block, index] = positions[4]!.split('-');
      const path = `/?block_number=${block}&flashblock_index=${index}`;
      const [resumed] = await swarm.add({ port: portOf(builder), clients: 1, path });
      await swarm.changes.until(() => resumed!.received.length >= 25, 'what was missed and more');
      assert.deepEqual(resumed!.positions.slice(0, 15), positions.slice(5, 20));
      assert.equal(resumed!.disorder, 0);
    });
  });

  it('leaves nothing open when it is stopped in the tick in which it was started, nor starts after it', async () => {
    const builder = createBuilder({ startBlock: 5 });
    const starting = builder.start();
    await builder.stop();
    await starting;
    assert.throws(() => builder.url, /does not listen/);
    await builder.start();
    assert.throws(() => builder.url, /does not listen/);
  });

  it('refuses to start on a taken port', async () => {
    await withBuilder({}, async (builder) => {
      const second = createBuilder({ port: portOf(builder) });
      await assert.rejects(second.start(), { code: 'EADDRINUSE' });
      await second.stop();
    });
  });

  it('closes clients with 1001 when it stops, also ones that never finished their handshake, and stops twice', async () => {
    const builder = createBuilder({ intervalMs: 5, startBlock: 5 });
    await builder.start();
    const swarm = use(await ClientSwarm.connect({ port: portOf(builder), clients: 2 }));
    const half = connect(portOf(builder), '127.0.0.1');
    half.on('error', () => undefined);
    await once(half, 'connect');
    half.write('GET / HTTP/1.1\r\n');
    await Promise.all([builder.stop(), builder.stop(), swarm.closed(), once(half, 'close')]);
    assert.deepEqual(
      swarm.clients.map(({ closeCode }) => closeCode),
      [1001, 1001],
    );
  });
});

describe('the publisher', () => {
  const use = usesResources();

  it('cuts off a client that does not read and serves the others', async () => {
    const publisher = new Publisher({ host: '127.0.0.1', port: 0 });
    await publisher.start();
    try {
      const swarm = use(await ClientSwarm.connect({ port: publisher.port, clients: 2 }));
      const [reader, idler] = swarm.clients;
      idler!.stopReading();
      // Far more than the kernel's socket buffers and the queue's bound together.
      for (let sent = 0; publisher.clients === 2; sent++) {
        assert.ok(sent < 100, 'the idle client is still queued for');
        publisher.send(Buffer.alloc(1024 * 1024, 32).fill(`{"n":${sent}}`, 0, 16), true);
        await swarm.received(sent + 1, [reader!]);
      }
      assert.equal(publisher.clients, 1);
      assert.equal(reader!.closed, false);
    } finally {
      await publisher.stop();
    }
  });

  it('takes 200 clients and refuses more with 503', async () => {
    const publisher = new Publisher({ host: '127.0.0.1', port: 0 });
    await publisher.start();
    try {
      const swarm = use(await ClientSwarm.connect({ port: publisher.port, clients: 200 }));
      const more = await swarm.add({ port: publisher.port, clients: 2 });
      assert.ok(swarm.clients.slice(0, 200).every(({ status }) => status === 101));
      assert.deepEqual(
        more.map(({ status }) => status),
        [503, 503],
      );
    } finally {
      await publisher.stop();
    }
  });
});
