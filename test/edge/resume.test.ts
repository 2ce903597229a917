import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { POSITION_WAIT_MS } from '../../edge/front/position-waits.ts';
import { ClientSwarm, type SwarmClient } from '../support/client-swarm.ts';
import { flashblockJson } from '../support/messages.ts';
import { parsePosition } from '../support/positions.ts';
import { usesResources } from '../support/use.ts';
import { EdgeHarness, turnsUntil } from './harness.ts';
import { RawPeer, upgradeRequest } from './raw-peer.ts';

describe('clients that resume', () => {
  const use = usesResources();

  /** An edge that has had these positions; `other` is a message without one. */
  async function edgeWith(positions: readonly string[], settings: Parameters<typeof EdgeHarness.start>[0] = {}) {
    const edge = use(await EdgeHarness.start(settings));
    deliver(edge, positions);
    return edge;
  }

  function deliver(edge: EdgeHarness, positions: readonly string[], fields: { payloadId?: string } = {}): void {
    for (const name of positions) {
      const plain = Buffer.from(JSON.stringify({ name: `${name}${fields.payloadId ?? ''}` }));
      const position = name === 'other' ? {} : { position: parsePosition(name) };
      edge.deliver({ plain, payload: plain, plainLength: plain.length, ...position, ...fields });
    }
  }

  const connect = async (edge: EdgeHarness, query: string): Promise<RawPeer> =>
    use(await RawPeer.upgrade(edge.port, `/ws?${query}`));

  async function names(peer: RawPeer, count: number): Promise<string[]> {
    return (await peer.received(count)).map(({ payload }) => (JSON.parse(payload.toString()) as { name: string }).name);
  }

  const answer = (peer: RawPeer): (string | undefined)[] => [
    peer.headers.get('flashcast-resume'),
    peer.headers.get('flashcast-from'),
  ];

  it('get every retained message after their position, in order, then live ones', async () => {
    const edge = await edgeWith(['9-0', '9-1', 'other', '9-2', '10-0']);
    const peer = await connect(edge, 'block_number=9&flashblock_index=1');
    assert.deepEqual(answer(peer), ['complete', '9-2']);
    deliver(edge, ['10-1', '10-2']);
    assert.deepEqual(await names(peer, 5), ['other', '9-2', '10-0', '10-1', '10-2']);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="complete"}'), 1);
  });

  it('get nothing but live messages where they have everything, and no first position as it has not arrived', async () => {
    const edge = await edgeWith(['9-0', '9-1']);
    const peer = await connect(edge, 'block_number=9&flashblock_index=1');
    assert.deepEqual(answer(peer), ['complete', undefined]);
    deliver(edge, ['9-2']);
    assert.deepEqual(await names(peer, 1), ['9-2']);
  });

  it('are told that a resume across a mark is partial', async () => {
    const edge = await edgeWith(['9-0']);
    edge.deliver({ position: { blockNumber: 9, index: 2 } }, 1);
    const peer = await connect(edge, 'block_number=9&flashblock_index=0');
    assert.deepEqual(answer(peer), ['partial', '9-2']);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="partial"}'), 1);
  });

  it('get the stream from the oldest retained index 0 where their position is no longer retained', async () => {
    const edge = await edgeWith(['8-0', '8-1', '9-0', '9-1', '10-0'], { streamMaxMessages: 3 });
    const peer = await connect(edge, 'block_number=8&flashblock_index=0');
    assert.deepEqual(answer(peer), ['partial', '9-0']);
    assert.deepEqual(await names(peer, 3), ['9-0', '9-1', '10-0']);
  });

  it('get nothing that is older than STREAM_RETENTION_MS, and everything that is not', async () => {
    let time = 0;
    const edge = use(await EdgeHarness.start({}, () => time));
    deliver(edge, ['8-0', '9-0', '9-1']);
    time = 12_000;
    deliver(edge, ['10-0']);
    const whole = await connect(edge, 'block_number=8&flashblock_index=0');
    assert.deepEqual(answer(whole), ['complete', '9-0']);
    time = 12_001;
    const late = await connect(edge, 'block_number=8&flashblock_index=0');
    assert.deepEqual(answer(late), ['partial', '10-0']);
    assert.deepEqual(await names(late, 1), ['10-0']);
  });

  it('get the payload that they name where their position occurs twice, else the newest run', async () => {
    const edge = await edgeWith([]);
    deliver(edge, ['9-0', '9-1', '9-2'], { payloadId: 'a' });
    deliver(edge, ['9-0', '9-1', '9-2'], { payloadId: 'b' });
    const query = 'block_number=9&flashblock_index=1';
    assert.deepEqual(await names(await connect(edge, `${query}&payload_id=a`), 4), ['9-2a', '9-0b', '9-1b', '9-2b']);
    assert.deepEqual(await names(await connect(edge, `${query}&payload_id=b`), 1), ['9-2b']);
    assert.deepEqual(await names(await connect(edge, query), 3), ['9-0b', '9-1b', '9-2b']);
  });

  it('get nothing until the stream reaches a position that is ahead, then all that follows', async () => {
    const edge = await edgeWith(['9-0']);
    const peer = await connect(edge, 'block_number=9&flashblock_index=2');
    assert.deepEqual(answer(peer), ['live', undefined]);
    deliver(edge, ['9-1', 'other', '9-2', '9-3']);
    assert.deepEqual(await names(peer, 1), ['9-3']);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="complete"}'), 1);
    deliver(edge, ['9-4']);
    assert.deepEqual(await names(peer, 2), ['9-3', '9-4']);
  });

  it('go on live when the stream passes a position that is ahead, or restarts below it', async () => {
    const edge = await edgeWith(['9-0']);
    const passed = await connect(edge, 'block_number=9&flashblock_index=2');
    const restarted = await connect(edge, 'block_number=12&flashblock_index=2');
    deliver(edge, ['9-1', '9-3']);
    assert.deepEqual(await names(passed, 1), ['9-3']);
    edge.deliver({ position: { blockNumber: 5, index: 0 }, restart: true });
    deliver(edge, ['5-1']);
    await restarted.received(2);
    assert.match(restarted.frames[1]!.payload.toString(), /5-1/);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="live"}'), 2);
  });

  it('go on live when 5 s have passed', async () => {
    let time = 0;
    const edge = use(await EdgeHarness.start({}, () => time));
    deliver(edge, ['9-0']);
    const peer = await connect(edge, 'block_number=9&flashblock_index=9');
    deliver(edge, ['9-1']);
    time = POSITION_WAIT_MS;
    edge.resumes.expire();
    deliver(edge, ['9-2']);
    assert.deepEqual(await names(peer, 1), ['9-2']);
  });

  it('get live messages for one of the two parameters alone', async () => {
    const edge = await edgeWith(['9-0', '9-1']);
    for (const query of ['block_number=9', 'flashblock_index=0']) {
      const peer = await connect(edge, query);
      assert.deepEqual(answer(peer), ['live', undefined]);
      deliver(edge, ['9-9']);
      assert.deepEqual(await names(peer, 1), ['9-9']);
    }
  });

  it('get live messages and no word of it without parameters', async () => {
    const edge = await edgeWith(['9-0']);
    const peer = await connect(edge, '');
    assert.deepEqual(answer(peer), [undefined, undefined]);
    deliver(edge, ['9-1']);
    assert.deepEqual(await names(peer, 1), ['9-1']);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="live"}'), 0);
  });

  it('get the current block from its index 0 by a snapshot, and live messages where that is not retained', async () => {
    const edge = await edgeWith(['8-0', '9-0', '9-1']);
    const peer = await connect(edge, 'snapshot=block');
    assert.deepEqual(answer(peer), ['complete', '9-0']);
    deliver(edge, ['9-2']);
    assert.deepEqual(await names(peer, 3), ['9-0', '9-1', '9-2']);
    deliver(edge, ['10-1']);
    const live = await connect(edge, 'snapshot=block');
    assert.deepEqual(answer(live), ['live', undefined]);
  });

  it('get what follows their position where they ask for a snapshot too', async () => {
    const edge = await edgeWith(['9-0', '9-1', '9-2']);
    const peer = await connect(edge, 'snapshot=block&block_number=9&flashblock_index=1');
    assert.deepEqual(answer(peer), ['complete', '9-2']);
  });

  it('are refused with 400 where a parameter is no whole number or comes twice', async () => {
    const edge = await edgeWith(['9-0']);
    for (const [query, name] of [
      ['block_number=x&flashblock_index=1', 'block_number'],
      ['block_number=1&flashblock_index=-1', 'flashblock_index'],
      ['block_number=1&block_number=2&flashblock_index=1', 'block_number'],
    ] as const) {
      const peer = use(new RawPeer(edge.port));
      peer.socket.write(upgradeRequest(`/ws?${query}`));
      await peer.end();
      assert.equal(peer.status, 400);
      assert.ok((JSON.parse(peer.body) as { message: string }).message.startsWith(`${name}: `));
    }
  });

  it('are not too slow for their backlog, and get a frame of each in their encoding', async () => {
    const edge = await edgeWith([], { messageBufferSize: 2 });
    const positions = Array.from({ length: 200 }, (_, n) => `${9 + Math.floor(n / 10)}-${n % 10}`);
    deliver(edge, positions);
    const peer = await connect(edge, 'block_number=9&flashblock_index=0&encoding=text');
    assert.deepEqual(await names(peer, 199), positions.slice(1));
    assert.ok(peer.frames.every(({ opcode }) => opcode === 1));
  });

  it('miss, repeat and reorder nothing: a thousand at random positions while the stream runs', async () => {
    const edge = await edgeWith([]);
    const sent: string[] = [];
    const send = (): void => {
      const position = { blockNumber: 100 + Math.floor(sent.length / 10), index: sent.length % 10 };
      const plain = flashblockJson(position);
      sent.push(`${position.blockNumber}-${position.index}`);
      edge.deliver({ plain, payload: plain, plainLength: plain.length, position });
    };
    for (let n = 0; n < 100; n += 1) send();
    const swarm = use(await ClientSwarm.connect({ port: edge.port, clients: 0 }));
    const resumed: { readonly client: SwarmClient; readonly after: number }[] = [];
    for (let batch = 0; batch < 40; batch += 1) {
      const dials = Array.from({ length: 25 }, async (_, n) => {
        // Up to three ahead of what this edge has.
        const after = sent.length + 2 - ((batch * 25 + n) % 100);
        const path = `/ws?block_number=${100 + Math.floor(after / 10)}&flashblock_index=${after % 10}`;
        const [client] = await swarm.add({ port: edge.port, clients: 1, path });
        resumed.push({ client: client!, after });
      });
      send();
      await turn();
      send();
      await Promise.all(dials);
    }
    for (let n = 0; n < 3; n += 1) send();
    for (const { client, after } of resumed) {
      await swarm.received(sent.length - after - 1, [client]);
      assert.deepEqual(client.positions, sent.slice(after + 1));
    }
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="complete"}'), 1000);
  });

  it('leave nothing behind when they go while they wait', async () => {
    const edge = await edgeWith(['9-0']);
    const peer = await connect(edge, 'block_number=9&flashblock_index=2');
    assert.equal(edge.resumes.waiting, 1);
    peer.socket.destroy();
    await turnsUntil(() => edge.resumes.waiting === 0, 'no client that waits');
    deliver(edge, ['9-2']);
    await turn();
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="complete"}'), 0);
  });
});
