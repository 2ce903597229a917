import { strict as assert } from 'node:assert';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { flashblockJson } from '../../support/messages.ts';
import { usesResources } from '../../support/use.ts';
import { EdgeHarness } from '../harness.ts';
import { RawPeer, upgradeRequest } from '../raw-peer.ts';

describe('front that drains', () => {
  const use = usesResources();

  async function statusOf(harness: EdgeHarness, request: string): Promise<number | undefined> {
    const peer = use(new RawPeer(harness.port));
    peer.socket.write(request);
    await peer.head();
    peer.socket.destroy();
    return peer.status;
  }

  const health = 'GET /healthz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n';

  it('is unhealthy at once, accepts for the delay, refuses after it, and tells clients 1001', async () => {
    let time = 1000;
    const harness = use(await EdgeHarness.start({ drainDelayMs: 2000, drainTimeoutMs: 12_000 }, () => time));
    const swarm = use(await ClientSwarm.connect({ port: harness.port, clients: 5 }));
    const drained = harness.front.drain();
    assert.equal(harness.front.drain(), drained);
    assert.equal(await harness.sample('flashcast_draining'), 1);
    assert.equal(await statusOf(harness, health), 503);
    assert.equal(await statusOf(harness, upgradeRequest('/healthz')), 503);

    time += 1999;
    const [late] = await swarm.add({ port: harness.port, clients: 1 });
    assert.equal(late?.status, 101);
    time += 1;
    await swarm.changes.until(() => swarm.clients.some(({ closed }) => closed), 'the first close');
    assert.equal(await statusOf(harness, upgradeRequest()), 503);
    const at2000 = swarm.clients.filter(({ closed }) => closed).length;
    assert.equal(at2000, 1);

    // Those that are left still get the stream.
    harness.deliver({ payload: flashblockJson({ blockNumber: 1, index: 0 }), plainLength: 0 });
    time += 9000;
    await swarm.closed();
    await drained;
    assert.deepEqual(
      new Set(swarm.clients.map(({ closeCode, closeReason }) => `${closeCode} ${closeReason}`)),
      new Set(['1001 Draining']),
    );
    assert.equal(await harness.sample('flashcast_client_disconnects_total{reason="draining"}'), 6);
    assert.equal(harness.fanout.clients.length, 0);
  });

  it('ends clients that do not answer their Close at the timeout', async () => {
    let time = 1000;
    const harness = use(await EdgeHarness.start({ drainTimeoutMs: 10_000 }, () => time));
    const deaf = use(await RawPeer.upgrade(harness.port));
    const drained = harness.front.drain();
    await deaf.received(1);
    assert.equal(harness.fanout.clients.length, 1);
    time += 10_000;
    await drained;
    await deaf.end();
    assert.equal(deaf.frames[0]?.payload.readUInt16BE(0), 1001);
  });

  it('ends at once when it is stopped', async () => {
    const harness = use(await EdgeHarness.start({ drainDelayMs: 60_000, drainTimeoutMs: 120_000 }));
    const peer = use(await RawPeer.upgrade(harness.port));
    const drained = harness.front.drain();
    await harness.front.stop();
    await drained;
    await peer.end();
    assert.equal(peer.frames[0]?.payload.readUInt16BE(0), 1001);
  });

  it('closes clients at the end of a block', async () => {
    let time = 1000;
    const harness = use(await EdgeHarness.start({ drainTimeoutMs: 20_000 }, () => time));
    const deliver = (blockNumber: number, index: number): void => {
      time += 200;
      const payload = flashblockJson({ blockNumber, index });
      harness.deliver({ payload, plainLength: payload.length, position: { blockNumber, index } });
    };
    for (const index of [0, 1, 2]) deliver(7, index);
    for (const index of [0, 1]) deliver(8, index);
    const swarm = use(await ClientSwarm.connect({ port: harness.port, clients: 1 }));
    const drained = harness.front.drain();
    deliver(8, 2);
    await swarm.closed();
    await drained;
    assert.deepEqual(swarm.clients[0]?.positions, ['8-2']);
    assert.equal(swarm.clients[0].closeCode, 1001);
  });

  it('is drained at once without clients and without a delay', async () => {
    const harness = use(await EdgeHarness.start());
    await harness.front.drain();
    assert.equal(await statusOf(harness, upgradeRequest()), 503);
  });
});
