import assert from 'node:assert/strict';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder, type BuilderConnection } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { allSamples, generatedSamples, type Sample } from '../support/fixtures.ts';
import { startEdge, startIngest, startProxy, type Server } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const ENCODINGS = ['br', 'identity', 'text'] as const;

/** The samples come from different chains and in no order of their own, so that only identical bytes are duplicates. */
const ANY_ORDER = { DEDUPE: 'content' };

/** How upstreams send: builders Text, proxies Binary JSON or brotli. What is no text goes as it is. */
const SENDERS: Readonly<Record<string, (connection: BuilderConnection, sample: Sample) => void>> = {
  Text: (connection, { content, binaryOnly }) =>
    binaryOnly ? connection.sendBinary(content) : connection.sendText(content),
  'Binary JSON': (connection, { content }) => connection.sendBinary(content),
  'Binary brotli': (connection, { content, binaryOnly }) =>
    binaryOnly ? connection.sendBinary(content) : connection.sendBrotli(content),
};

describe('black box: messages arrive byte for byte in every encoding', function () {
  this.timeout(60_000);
  const use = usesResources();

  /** Sends the samples and compares what a client of each encoding gets. */
  async function expectBytes(
    builder: TestBuilder,
    server: Server,
    samples: readonly Sample[],
    send: (connection: BuilderConnection, sample: Sample) => void,
  ): Promise<void> {
    const swarm = use(await ClientSwarm.connect({ port: server.port, clients: 1, path: '/ws?encoding=br' }));
    for (const encoding of ENCODINGS.slice(1))
      await swarm.add({ port: server.port, clients: 1, path: `/ws?encoding=${encoding}` });
    const [connection] = await builder.connected();
    for (const sample of samples) send(connection!, sample);
    await swarm.received(samples.length);
    for (const [at, client] of swarm.clients.entries()) {
      const encoding = ENCODINGS[at]!;
      for (const [number, { name, content, binaryOnly }] of samples.entries()) {
        assert.ok(client.contents[number]?.equals(content), `${name} as ${encoding}`);
        assert.equal(client.frameKinds[number], binaryOnly ? 'raw' : encoding, `${name} as ${encoding}`);
      }
      assert.equal(client.received.length, samples.length);
    }
  }

  for (const [name, send] of Object.entries(SENDERS)) {
    it(`through a proxy: captured, generated and odd ones, sent as ${name}`, async () => {
      const builder = use(await TestBuilder.start());
      const proxy = use(await startProxy([builder.url], ANY_ORDER));
      await proxy.ready();
      await expectBytes(builder, proxy, allSamples(), send);
    });

    it(`through ingest, Redis and edge: captured, generated and odd ones, sent as ${name}`, async () => {
      const builder = use(await TestBuilder.start());
      const redis = use(await openProgramsRedis());
      const edge = use(await startEdge(redis.url, redis.settings));
      const ingest = use(await startIngest([builder.url], redis.url, { ...redis.settings, ...ANY_ORDER }));
      await Promise.all([edge.ready(), ingest.ready()]);
      await expectBytes(builder, edge, allSamples(), send);
    });
  }

  it('through two proxies in a row with compression on, under the rules of the sequence', async () => {
    const builder = use(await TestBuilder.start());
    const first = use(await startProxy([builder.url], { ENABLE_COMPRESSION: 'true' }));
    const second = use(await startProxy([first.url], { ENABLE_COMPRESSION: 'true' }));
    await Promise.all([first.ready(), second.ready()]);
    const samples = [100, 101].flatMap((blockNumber) => generatedSamples(blockNumber));
    await expectBytes(builder, second, samples, SENDERS['Text']!);
  });

  it('as brotli by default where compression is on, else as Binary JSON', async () => {
    const builder = use(await TestBuilder.start());
    const plain = use(await startProxy([builder.url]));
    const compressed = use(await startProxy([builder.url], { ENABLE_COMPRESSION: 'true' }));
    await Promise.all([plain.ready(), compressed.ready()]);
    await builder.connected(2);
    const swarm = use(await ClientSwarm.connect({ port: plain.port, clients: 1 }));
    await swarm.add({ port: compressed.port, clients: 1 });
    builder.sendText(generatedSamples()[1]!.content);
    await swarm.received(1);
    assert.deepEqual(
      swarm.clients.map(({ frameKinds }) => frameKinds),
      [['identity'], ['br']],
    );
  });
});
