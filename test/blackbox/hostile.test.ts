import assert from 'node:assert/strict';
import { upgradeRequest } from '../edge/raw-peer.ts';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm } from '../support/client-swarm.ts';
import { attack, type AttackName, type AttackOptions, type Tally } from '../support/hostile/attacks.ts';
import { HostilePeer } from '../support/hostile/peer.ts';
import { brotliBomb, HOSTILE_JSON } from '../support/hostile/upstream.ts';
import { flashblockJson } from '../support/messages.ts';
import { startProxy, type Server, type Settings } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

const MEGABYTE = 1_048_576;

describe('black box: hostile peers', function () {
  this.timeout(60_000);
  const use = usesResources();

  async function served(settings: Settings = {}): Promise<{
    readonly proxy: Server;
    readonly builder: TestBuilder;
    /** An honest client is there, gets the next message, and nothing is logged that an attacker could fill a disk with. */
    readonly unharmed: () => Promise<void>;
  }> {
    const builder = use(await TestBuilder.start());
    const proxy = use(await startProxy([builder.url], settings));
    await proxy.ready();
    await builder.connected();
    const honest = use(await ClientSwarm.connect({ port: proxy.port, clients: 1 }));
    const lines = proxy.program.log.length;
    const unharmed = async (): Promise<void> => {
      await builder.connected();
      builder.sendText(flashblockJson({ blockNumber: 7, index: 0 }));
      const got = (): boolean => honest.clients[0]!.positions.includes('7-0');
      await honest.changes.until(got, 'the message behind the attack');
      assert.equal(honest.clients[0]!.closed, false);
      const log = proxy.program.log.slice(lines);
      assert.ok(log.length <= 3, JSON.stringify(log));
      assert.ok(
        log.every(({ level }) => level === 'info' || level === 'warn'),
        JSON.stringify(log),
      );
    };
    return { proxy, builder, unharmed };
  }

  /** The outcome of some connections, all the same. */
  async function outcomeOf(
    name: AttackName,
    options: Omit<AttackOptions, 'port' | 'count'> = {},
    settings: Settings = {},
  ) {
    const { proxy, unharmed } = await served(settings);
    const count = 4;
    const tally = await attack(name, { addresses: 0, ...options, port: proxy.port, count });
    await unharmed();
    assert.deepEqual(Object.values(tally), [count], JSON.stringify(tally));
    return Object.keys(tally)[0];
  }

  it('that say nothing are told 408 when HANDSHAKE_TIMEOUT_MS is over', async () => {
    assert.equal(await outcomeOf('silent', { untilOver: true }, { HANDSHAKE_TIMEOUT_MS: '200' }), 'status 408');
  });

  it('that send their request a byte a second are told 408 when HANDSHAKE_TIMEOUT_MS is over', async () => {
    assert.equal(await outcomeOf('slow-headers', { untilOver: true }, { HANDSHAKE_TIMEOUT_MS: '1200' }), 'status 408');
  });

  it('that send a request head above MAX_HEADER_BYTES are refused with 431', async () => {
    assert.equal(await outcomeOf('large-headers'), 'status 431');
  });

  it('that send a message of a megabyte are closed with 1009', async () => {
    assert.equal(await outcomeOf('large-messages'), 'close 1009');
  });

  it('that send pings without end are closed with 1008', async () => {
    assert.equal(await outcomeOf('pings'), 'close 1008');
  });

  it('that send fragments without end are closed with 1008', async () => {
    assert.equal(await outcomeOf('fragments'), 'close 1008');
  });

  it('that never read are closed or cut when they are too slow, and nobody waits for them', async () => {
    const { proxy, builder, unharmed } = await served({ CLIENT_SEND_TIMEOUT_MS: '200' });
    const peers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const peer = new HostilePeer({ port: proxy.port }, upgradeRequest());
        await peer.answered;
        peer.socket.pause();
        return peer;
      }),
    );
    const large = JSON.stringify({ note: 'a'.repeat(MEGABYTE) });
    let number = 0;
    const slow = (): Promise<number> => proxy.metric('flashcast_client_disconnects_total', 'reason="slow"');
    while ((await slow()) < 4) builder.sendText(large.replace('a', String(number++)));
    for (const peer of peers) peer.socket.resume();
    for (const { outcome } of peers) assert.match(await outcome, /^(cut|close 1013)$/);
    await unharmed();
  });

  it('that try keys are told 401, and 429 when they tried twenty', async () => {
    const { proxy, unharmed } = await served({ API_KEYS: 'app:the-right-key', PUBLIC_ACCESS_ENABLED: 'true' });
    const tally: Tally = await attack('wrong-keys', { port: proxy.port, count: 40, addresses: 1 });
    assert.deepEqual(Object.keys(tally), ['status 401', 'status 429']);
    assert.ok(tally['status 401']! >= 20 && tally['status 401']! < 40, JSON.stringify(tally));
    await unharmed();
  });

  it('that send mutated requests get an answer or the end', async () => {
    const { proxy, unharmed } = await served();
    const tally = await attack('requests', { port: proxy.port, count: 300, addresses: 0 });
    for (const outcome of Object.keys(tally))
      assert.match(outcome, /^(status (200|400|404|408|426|431)|ended|open|cut|close 100[0259])$/);
    await unharmed();
  });

  it('that send mutated frames are closed, and leave nothing behind', async () => {
    const { proxy, unharmed } = await served();
    await attack('frames', { port: proxy.port, count: 300, addresses: 0 });
    await unharmed();
    assert.equal(await proxy.metric('websocket_proxy_active_connections'), 1);
  });

  it('that are upstreams and send malformed, deep and crowded JSON do not stop the stream', async () => {
    const { builder, unharmed } = await served();
    for (const make of Object.values(HOSTILE_JSON)) builder.sendText(make());
    await unharmed();
  });

  it('that are upstreams and send bombs of brotli do not stop the stream', async () => {
    const { proxy, builder, unharmed } = await served();
    const bomb = await brotliBomb(64 * MEGABYTE);
    assert.ok(bomb.length < 1024);
    for (let count = 0; count < 20; count++) builder.sendBinary(bomb);
    await unharmed();
    assert.equal(await proxy.metric('flashcast_upstream_oversized_total'), 20);
  });
});
