import assert from 'node:assert/strict';
import { A, B, BAD_QUERIES, S, T, listOf } from '../support/bad-filters.ts';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm, type SwarmClient } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { parsePosition } from '../support/positions.ts';
import { Program } from '../support/program.ts';
import { refusedUpgrade } from '../support/refused-upgrade.ts';
import { type Server, type Settings, startEdge, startIngest, startProxy } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const KEY = 'key-of-a-test';
/** What names `A`, `B`, both, or neither, and what carries a log with a topic. */
const PARTS: Readonly<Record<string, Parameters<typeof flashblockJson>[1]>> = {
  none: {},
  A: { transactions: [`0x02${A.slice(2)}`] },
  B: { transactions: [`0x7e00${B.slice(2)}00`] },
  AB: { transactions: [`0x02${A.slice(2)}`, `0x04${B.slice(2)}`] },
  S: { logs: [{ address: `0x${'ee'.repeat(20)}`, topics: [T, S] }] },
  AS: { transactions: [`0x02${A.slice(2)}`], logs: [{ address: B, topics: [S] }] },
};
/** A block, `position parts` each, and the first message of the next one. */
const BLOCK = ['9-0 none', '9-1 A', '9-2 B', '9-3 S', '9-4 AB', '9-5 none', '9-6 AS', '10-0 none'];
const WISHES = [
  { query: `addresses=${A}`, wanted: ['9-1', '9-4', '9-6'] },
  { query: `addresses=${B.toUpperCase()},${A}`, wanted: ['9-1', '9-2', '9-4', '9-6'] },
  { query: `topics=${S}`, wanted: ['9-3', '9-6'] },
  { query: `addresses=${A}&topics=${S}`, wanted: ['9-1', '9-3', '9-4', '9-6'] },
  { query: `addresses=${A}&topics=${S}&match=all`, wanted: ['9-6'] },
  { query: `addresses=0x${'77'.repeat(20)}`, wanted: [] },
  { query: 'addresses=&topics=', wanted: BLOCK.map((line) => line.split(' ')[0]!) },
];
const ENCODINGS = ['br', 'identity', 'text'] as const;

function send(builder: TestBuilder, lines: readonly string[]): void {
  for (const line of lines) {
    const [position, parts] = line.split(' ');
    builder.sendText(flashblockJson(parsePosition(position!), PARTS[parts!]));
  }
}

describe('black box: filters', function () {
  this.timeout(60_000);
  const use = usesResources();

  async function proxyWith(settings: Settings = {}): Promise<{ builder: TestBuilder; proxy: Server }> {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url], settings));
    await proxy.ready();
    await builder.connected();
    return { builder, proxy };
  }

  /** A client of everything in each swarm: what it has, the others have had the chance to get. */
  async function swarmOf(server: Server, path = '/ws', headers = {}): Promise<ClientSwarm> {
    return use(await ClientSwarm.connect({ port: server.port, clients: 1, path, headers }));
  }

  async function expectWanted(
    swarm: ClientSwarm,
    clients: readonly { readonly client: SwarmClient; readonly wanted: readonly string[] }[],
    lines: readonly string[],
  ): Promise<void> {
    await swarm.received(lines.length, [swarm.clients[0]!]);
    for (const { client, wanted } of clients) {
      await swarm.received(wanted.length, [client]);
      assert.deepEqual(client.positions, wanted);
    }
  }

  for (const encoding of ENCODINGS) {
    it(`give each client what it asked for as ${encoding}, on both routes, and the bytes are upstream's`, async () => {
      const { builder, proxy } = await proxyWith({ ENABLE_COMPRESSION: String(encoding !== 'br') });
      const swarm = await swarmOf(proxy);
      const clients = [];
      for (const route of ['/ws', '/ws/filter']) {
        for (const { query, wanted } of WISHES) {
          const path = `${route}?${query}&encoding=${encoding}`;
          const [client] = await swarm.add({ port: proxy.port, clients: 1, path });
          clients.push({ client: client!, wanted });
        }
      }
      send(builder, BLOCK);
      await expectWanted(swarm, clients, BLOCK);
      for (const { client } of clients) assert.ok(client.frameKinds.every((kind) => kind === encoding));
      // The table of a swarm holds every content once, whoever got it in whichever encoding.
      assert.equal(swarm.messages.length, BLOCK.length);
      assert.equal(await proxy.metric('flashcast_clients', 'kind="filtered"'), 12);
      assert.equal(
        await proxy.metric('flashcast_filter_matches_total'),
        2 * WISHES.slice(0, -1).reduce((sum, { wanted }) => sum + wanted.length, 0),
      );
      assert.equal(await proxy.metric('flashcast_filter_evaluate_seconds_count'), BLOCK.length);
      assert.equal(await proxy.metric('flashcast_stream_has_receipts'), 1);
      const status = JSON.parse(await proxy.page('/status.json')) as { edge?: object };
      const figures = JSON.stringify(status);
      for (const figure of ['"filteredClients":12', '"filters":6', '"streamHasReceipts":true'])
        assert.ok(figures.includes(figure), figures);
    });
  }

  it('work with keys in the path and in headers, and are looked at behind the key', async () => {
    const { builder, proxy } = await proxyWith({ API_KEYS: `app:${KEY}` });
    const swarm = await swarmOf(proxy, `/ws/${KEY}`);
    const clients = [];
    const query = `addresses=${A}`;
    for (const [path, headers] of [
      [`/ws/${KEY}/filter?${query}`, {}],
      [`/ws/${KEY}?${query}`, {}],
      [`/ws/filter?${query}`, { 'X-API-Key': KEY }],
      [`/ws?${query}`, { Authorization: `Bearer ${KEY}` }],
    ] as const) {
      const [client] = await swarm.add({ port: proxy.port, clients: 1, path, headers });
      clients.push({ client: client!, wanted: ['9-1', '9-4', '9-6'] });
    }
    send(builder, BLOCK);
    await expectWanted(swarm, clients, BLOCK);
    for (const [target, status, message] of [
      ['/ws/wrong/filter?addresses=x', 401, 'Invalid API key'],
      ['/ws/filter?addresses=x', 404, 'Not found'],
      [`/ws/${KEY}/filter?addresses=x`, 400, 'addresses: term 1: expected 0x and 40 hex digits'],
      [`/ws/${KEY}?match=x`, 400, 'match: expected any or all'],
    ] as const)
      assert.deepEqual(await refusedUpgrade(proxy.port, target), { status, message });
  });

  it('have no route with a key where there are no keys', async () => {
    const { proxy } = await proxyWith();
    assert.deepEqual(await refusedUpgrade(proxy.port, `/ws/${KEY}/filter?addresses=${A}`), {
      status: 404,
      message: 'Not found',
    });
  });

  it('hold for what a client gets by a resume and by a snapshot, on an edge behind Redis', async () => {
    const redis = use(await openProgramsRedis());
    const builder = use(await TestBuilder.start());
    const settings = { ...redis.settings, ENABLE_COMPRESSION: 'true' };
    const edge = use(await startEdge(redis.url, settings));
    const ingest = use(await startIngest([builder.url], redis.url, settings));
    await Promise.all([edge.ready(), ingest.ready()]);
    await builder.connected();
    const swarm = await swarmOf(edge);
    send(builder, BLOCK.slice(0, -1));
    await swarm.received(BLOCK.length - 1);
    const query = `addresses=${A}`;
    const clients = [];
    for (const encoding of ENCODINGS) {
      for (const [wish, from, wanted] of [
        ['block_number=9&flashblock_index=1', '9-2', ['9-4', '9-6', '10-1']],
        // It had a message that it did not want last.
        ['block_number=9&flashblock_index=5', '9-6', ['9-6', '10-1']],
        ['snapshot=block', '9-0', ['9-1', '9-4', '9-6', '10-1']],
      ] as const) {
        const path = `/ws/filter?${query}&${wish}&encoding=${encoding}`;
        const [client] = await swarm.add({ port: edge.port, clients: 1, path });
        assert.equal(client!.answer.get('flashcast-resume'), 'complete');
        assert.equal(client!.answer.get('flashcast-from'), from);
        clients.push({ client: client!, wanted });
      }
    }
    send(builder, ['10-0 none', '10-1 A', '10-2 none']);
    await expectWanted(swarm, clients, [...BLOCK, '10-1 A', '10-2 none']);
  });

  it('leave pings alone: a client that nothing matches stays, is pinged, and has its pings answered', async () => {
    const { builder, proxy } = await proxyWith({
      CLIENT_PING_ENABLED: 'true',
      CLIENT_PING_INTERVAL_MS: '100',
      CLIENT_PONG_TIMEOUT_MS: '1000',
    });
    const swarm = await swarmOf(proxy, `/ws?addresses=${A}`);
    const [client] = swarm.clients;
    const stream = use(new PacedStream(builder, 50));
    await swarm.changes.until(() => client!.pings >= 5, '5 pings');
    client!.ping();
    await swarm.changes.until(() => client!.pongs === 1, 'a pong');
    stream.stop();
    const next = { blockNumber: parsePosition(stream.sent.at(-1)!).blockNumber + 1, index: 0 };
    builder.sendText(flashblockJson(next, PARTS['A']));
    await swarm.received(1);
    assert.deepEqual([client!.positions, client!.closed], [[`${next.blockNumber}-0`], false]);
  });

  it(`answer ${BAD_QUERIES.length} bad queries with a 400 each that names the parameter`, async () => {
    // A head that holds the longest of them.
    const { proxy } = await proxyWith({ MAX_HEADER_BYTES: '131072' });
    for (const [name, query, message] of BAD_QUERIES) {
      const target = `/ws/filter?${query.replace(/[^!-~]|"/g, encodeURIComponent)}`;
      assert.deepEqual(await refusedUpgrade(proxy.port, target), { status: 400, message }, name);
      assert.match(message, /^(?:addresses|topics|match): /);
    }
    assert.equal(await proxy.metric('flashcast_admissions_total', 'result="bad_request"'), BAD_QUERIES.length);
    assert.equal(await proxy.metric('websocket_proxy_new_connections'), 0);
  });

  it('are bounded by MAX_FILTER_TERMS and MAX_HEADER_BYTES', async () => {
    const { builder, proxy } = await proxyWith({ MAX_FILTER_TERMS: '3' });
    assert.deepEqual(await refusedUpgrade(proxy.port, `/ws?addresses=${listOf(2, 40)}&topics=${listOf(2, 64)}`), {
      status: 400,
      message: 'topics: term 2: expected at most 3 addresses and topics',
    });
    const { status } = await refusedUpgrade(proxy.port, `/ws?addresses=${','.repeat(8192)}`);
    assert.equal(status, 431);
    const swarm = await swarmOf(proxy, `/ws?addresses=${listOf(2, 40)}&topics=${S}`);
    send(builder, BLOCK);
    await swarm.received(2);
    assert.deepEqual(swarm.clients[0]!.positions, ['9-3', '9-6']);
  });

  it('of 186 addresses fit into a request by default', async () => {
    const { builder, proxy } = await proxyWith();
    const swarm = await swarmOf(proxy, `/ws?addresses=${listOf(185, 40)},${A}`);
    send(builder, BLOCK);
    await swarm.received(3);
    assert.deepEqual(swarm.clients[0]!.positions, ['9-1', '9-4', '9-6']);
  });

  it('are what flashcast watch asks for with --address, --topic and --match', async () => {
    const { builder, proxy } = await proxyWith();
    const flags = ['--address', A, '--address', `0x${'77'.repeat(20)}`, '--topic', S, '--match', 'all'];
    const watch = use(Program.start(['watch', proxy.url, '--json', '--count', '2', ...flags]));
    while ((await proxy.metric('flashcast_clients', 'kind="filtered"')) < 1 && !watch.ended);
    send(builder, [...BLOCK, '10-1 A', '10-2 S', '10-3 AS']);
    const { code } = await watch.exit;
    const seen = watch.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { block: number; index: number });
    assert.deepEqual(
      seen.map(({ block, index }) => `${block}-${index}`),
      ['9-6', '10-3'],
    );
    assert.equal(code, 0);
    assert.match(watch.stderr, /^flashcast watch: 2 messages in .*\n$/);
  });
});
