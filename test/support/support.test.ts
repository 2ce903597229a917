import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import { ClientSwarm } from './client-swarm.ts';
import { decodeFrame } from './decode.ts';
import { TestBuilder } from './builder.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { allSamples } from './fixtures.ts';
import { usesResources } from './use.ts';

const message = (number: number): string => `{"n":${number}}`;

describe('test support: the client swarm', () => {
  const use = usesResources();

  it('tells apart what came once, again, out of order and not at all', async () => {
    const builder = use(await TestBuilder.start());
    const swarm = use(await ClientSwarm.connect({ port: builder.port, clients: 2 }));
    const [all, some] = await builder.connected(2);
    for (const number of [0, 1, 2, 3]) all!.sendText(message(number));
    await swarm.received(4, [swarm.clients[0]!]);
    for (const number of [0, 1, 1, 3]) some!.sendText(message(number));
    await swarm.received(4);
    assert.deepEqual(
      swarm.clients.map(({ disorder }) => disorder),
      [0, 2],
    );
    assert.deepEqual(swarm.clients[1]!.received, [0, 1, 1, 3]);
  });

  it('takes a message for the same in every encoding, and gives back its bytes', async () => {
    const builder = use(await TestBuilder.start());
    const swarm = use(await ClientSwarm.connect({ port: builder.port, clients: 1 }));
    const [connection] = await builder.connected();
    const samples = allSamples();
    for (const { content, binaryOnly } of samples) {
      if (!binaryOnly) connection!.sendText(content);
      if (!binaryOnly) connection!.sendBrotli(content);
      connection!.sendBinary(content);
    }
    await swarm.received(samples.reduce((sum, { binaryOnly }) => sum + (binaryOnly ? 1 : 3), 0));
    assert.deepEqual(
      swarm.messages.map(({ plain }) => plain),
      samples.map(({ content }) => content),
    );
  });

  it('answers pings and Close, sends pings, and reads frames that come in pieces', async () => {
    const builder = use(await TestBuilder.start());
    const relay = use(await TcpProxy.start({ port: builder.port }));
    const swarm = use(await ClientSwarm.connect({ port: relay.port, clients: 1 }));
    const [connection] = await builder.connected();
    const client = swarm.clients[0]!;
    const long = `{"long":"${'x'.repeat(300_000)}"}`;
    connection!.sendText(message(1));
    connection!.sendText(long);
    client.ping();
    await swarm.received(2);
    assert.equal(swarm.messages[1]!.plain.toString(), long);
    await builder.changes.until(() => connection!.pings === 1, 'a ping');
    connection!.ping();
    connection!.close(1013);
    await swarm.closed();
    await builder.changes.until(() => connection!.closeCode !== undefined, 'the answer to Close');
    assert.deepEqual([client.pings, client.pongs, client.closeCode, connection!.closeCode], [1, 1, 1013, 1013]);
  });
});

describe('test support: the relay', () => {
  const use = usesResources();

  it('holds everything while it is a black hole, and cuts', async () => {
    const builder = use(await TestBuilder.start());
    const relay = use(await TcpProxy.start({ port: builder.port }));
    const swarm = use(await ClientSwarm.connect({ port: relay.port, clients: 1 }));
    const [connection] = await builder.connected();
    relay.blackhole(true);
    connection!.sendText(message(1));
    const direct = await swarm.add({ port: builder.port, clients: 1 });
    await builder.connected(2);
    builder.sendText(message(2));
    await swarm.received(1, direct);
    assert.equal(swarm.clients[0]!.received.length, 0);
    relay.blackhole(false);
    await swarm.received(2, [swarm.clients[0]!]);
    relay.cut();
    await swarm.closed([swarm.clients[0]!]);
    assert.equal(relay.connections, 0);
  });
});

describe('test support: the builder', () => {
  const use = usesResources();

  it('refuses, ignores and drops as told, and keeps what was asked', async () => {
    const builder = use(await TestBuilder.start({ reception: 'accept-and-drop' }));
    const swarm = use(await ClientSwarm.connect({ port: builder.port, clients: 1, path: '/ws?block_number=7' }));
    await swarm.closed();
    assert.equal(swarm.clients[0]!.status, 101);
    builder.reception = 414;
    const [refused] = await swarm.add({ port: builder.port, clients: 1 });
    assert.equal(refused!.status, 414);
    builder.reception = 'ignore';
    const ignored = swarm.add({ port: builder.port, clients: 1 });
    await builder.attempted(3);
    await builder.stop();
    assert.equal((await ignored)[0]!.status, undefined);
    assert.equal(builder.attempts[0]!.url, '/ws?block_number=7');
  });
});

describe('test support: decodeFrame', () => {
  it('tells text, JSON, brotli and other Binary apart', () => {
    assert.equal(decodeFrame(Buffer.from('{}'), false).kind, 'text');
    assert.equal(decodeFrame(Buffer.from(' \n{}'), true).kind, 'identity');
    assert.equal(decodeFrame(brotliCompressSync(Buffer.from('{}')), true).kind, 'br');
    assert.equal(decodeFrame(brotliCompressSync(Buffer.from('[]')), true).kind, 'raw');
    assert.equal(decodeFrame(Buffer.from('[]'), true).kind, 'raw');
  });
});
