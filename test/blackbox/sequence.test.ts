import assert from 'node:assert/strict';
import { TestBuilder } from '../support/builder.ts';
import { ClientSwarm, type SwarmClient } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { startProxy, type Server, type Settings } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

/** `[block, index]` of payload `payloadId`; `note` makes another content of the same place. */
function flashblock(blockNumber: number, index: number, payloadId = `0x${blockNumber}a`, note = ''): Buffer {
  return flashblockJson({ blockNumber, index }, { payloadId, note });
}

describe('black box: one clean sequence from a proxy', function () {
  this.timeout(30_000);
  const use = usesResources();

  interface Scene {
    readonly proxy: Server;
    readonly builders: readonly TestBuilder[];
    readonly swarm: ClientSwarm;
    readonly client: SwarmClient;
  }

  async function scene(upstreams: number, settings: Settings = {}): Promise<Scene> {
    const builders: TestBuilder[] = [];
    for (let at = 0; at < upstreams; at++) builders.push(use(await TestBuilder.start()));
    const proxy = use(
      await startProxy(
        builders.map(({ url }) => url),
        settings,
      ),
    );
    await proxy.ready();
    for (const builder of builders) await builder.connected();
    const swarm = use(await ClientSwarm.connect({ port: proxy.port, clients: 1 }));
    return { proxy, builders, swarm, client: swarm.clients[0]! };
  }

  /** Waits until the client has everything that is expected, and checks that it is nothing else. */
  async function expectPositions({ swarm, client }: Scene, expected: readonly string[]): Promise<void> {
    await swarm.received(expected.length);
    assert.deepEqual(client.positions, expected);
  }

  it('drops a late duplicate', async () => {
    const here = await scene(1);
    const [builder] = here.builders;
    for (const index of [0, 1, 2, 0, 1]) builder!.sendText(flashblock(9, index));
    builder!.sendText(flashblock(9, 3));
    await expectPositions(here, ['9-0', '9-1', '9-2', '9-3']);
    assert.equal(await here.proxy.metric('flashcast_upstream_duplicates_total'), 2);
  });

  it('drops a stale index and a stale block of new content', async () => {
    const here = await scene(1);
    const [builder] = here.builders;
    for (const index of [0, 1]) builder!.sendText(flashblock(8, index));
    for (const index of [0, 1]) builder!.sendText(flashblock(9, index));
    builder!.sendText(flashblock(9, 0, undefined, 'other'));
    builder!.sendText(flashblock(8, 2, undefined, 'other'));
    builder!.sendText(flashblock(9, 2));
    await expectPositions(here, ['8-0', '8-1', '9-0', '9-1', '9-2']);
    assert.equal(await here.proxy.metric('flashcast_upstream_stale_total'), 2);
  });

  it('lets the first of two payloads for a block win, whichever upstream sends the other', async () => {
    const here = await scene(2);
    const [one, two] = here.builders;
    one!.sendText(flashblock(9, 0, '0xaa'));
    await here.swarm.received(1);
    for (const index of [0, 1]) two!.sendText(flashblock(9, index, '0xbb'));
    two!.sendText('{"end":1}');
    await here.swarm.received(2);
    one!.sendText(flashblock(9, 1, '0xaa'));
    one!.sendText(flashblock(10, 0, '0xcc'));
    await expectPositions(here, ['9-0', 'other', '9-1', '10-0']);
    assert.equal(await here.proxy.metric('flashcast_upstream_conflicts_total'), 2);
  });

  it('goes over to a whole payload when the winner of the block falls silent', async () => {
    const here = await scene(2, { TAKEOVER_MS: '150' });
    const [one, two] = here.builders;
    for (const index of [0, 1, 2, 3]) one!.sendText(flashblock(8, index));
    for (const index of [0, 1]) one!.sendText(flashblock(9, index, '0xaa'));
    await here.swarm.received(6);
    for (const index of [0, 1, 2]) two!.sendText(flashblock(9, index, '0xbb'));
    await here.swarm.received(9);
    two!.sendText(flashblock(9, 3, '0xbb'));
    one!.sendText(flashblock(9, 2, '0xaa'));
    two!.sendText(flashblock(10, 0));
    await expectPositions(here, [
      ...['8-0', '8-1', '8-2', '8-3', '9-0', '9-1'],
      ...['9-0', '9-1', '9-2', '9-3', '10-0'],
    ]);
    assert.deepEqual(
      here.swarm.messages.slice(4, 10).map(({ head }) => head?.payloadId),
      ['0xaa', '0xaa', '0xbb', '0xbb', '0xbb', '0xbb'],
    );
    assert.equal(await here.proxy.metric('flashcast_stream_takeovers_total'), 1);
  });

  it('follows a chain that restarted at a lower block, by itself, and flags the new run', async () => {
    const here = await scene(1, { RESTART_MS: '300' });
    const [builder] = here.builders;
    for (const index of [0, 1]) builder!.sendText(flashblock(900, index));
    await here.swarm.received(2);
    // A devnet that was reset goes on at its own pace until its blocks are accepted.
    let blockNumber = 10;
    const pace = setInterval(() => {
      for (const index of [0, 1]) builder!.sendText(flashblock(blockNumber, index));
      blockNumber++;
    }, 100);
    try {
      await here.swarm.received(6);
    } finally {
      clearInterval(pace);
    }
    const [, , first] = here.client.positions;
    const begun = Number(first?.split('-')[0]);
    assert.ok(begun >= 12 && begun <= 16, `the new run begins at ${String(first)}`);
    assert.deepEqual(here.client.positions.slice(0, 6), [
      '900-0',
      '900-1',
      `${begun}-0`,
      `${begun}-1`,
      `${begun + 1}-0`,
      `${begun + 1}-1`,
    ]);
    assert.equal(await here.proxy.metric('flashcast_stream_restarts_total'), 1);
  });

  it('is not led astray by the absurd block number of one upstream', async () => {
    const here = await scene(2);
    const [good, bad] = here.builders;
    good!.sendText(flashblock(9, 0));
    await here.swarm.received(1);
    for (const index of [0, 1]) bad!.sendText(flashblock(2 ** 52, index));
    bad!.sendText('{"sent":"both"}');
    await here.swarm.received(2);
    for (const index of [1, 2]) good!.sendText(flashblock(9, index));
    good!.sendText(flashblock(10, 0));
    await expectPositions(here, ['9-0', 'other', '9-1', '9-2', '10-0']);
    assert.equal(await here.proxy.metric('flashcast_upstream_stale_total'), 2);
  });

  it('repairs a gap in order from the other upstream', async () => {
    // So long a hold that only the repair can end it within the test.
    const here = await scene(2, { GAP_REPAIR_MS: '20000' });
    const [one, two] = here.builders;
    for (const index of [0, 1]) one!.sendText(flashblock(9, index));
    await here.swarm.received(2);
    for (const index of [3, 4]) one!.sendText(flashblock(9, index));
    two!.sendText(flashblock(9, 2));
    await expectPositions(here, ['9-0', '9-1', '9-2', '9-3', '9-4']);
    assert.equal(await here.proxy.metric('flashcast_upstream_gaps_total', 'outcome="repaired"'), 1);
    assert.equal(await here.proxy.metric('flashcast_upstream_gaps_total', 'outcome="lost"'), 0);
  });

  it('passes a gap on that nobody repairs, and counts it', async () => {
    const here = await scene(2);
    const [one] = here.builders;
    for (const index of [0, 1, 3]) one!.sendText(flashblock(9, index));
    await expectPositions(here, ['9-0', '9-1', '9-3']);
    assert.equal(await here.proxy.metric('flashcast_upstream_gaps_total', 'outcome="lost"'), 1);
  });

  it('sends once what two upstreams deliver 3 ms apart', async () => {
    const here = await scene(2);
    const [one, two] = here.builders;
    const sent: string[] = [];
    for (const blockNumber of [20, 21, 22]) {
      for (const index of [0, 1, 2, 3, 4]) {
        sent.push(`${blockNumber}-${index}`);
        const [first, second] = index % 2 === 0 ? [one, two] : [two, one];
        first!.sendText(flashblock(blockNumber, index));
        await new Promise((resolve) => setTimeout(resolve, 3));
        second!.sendText(flashblock(blockNumber, index));
      }
    }
    await expectPositions(here, sent);
    for (const builder of here.builders) builder.sendText('{"end":1}');
    await expectPositions(here, [...sent, 'other']);
    assert.equal(await here.proxy.metric('flashcast_upstream_duplicates_total'), 16);
  });
});
