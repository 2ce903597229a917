import { strict as assert } from 'node:assert';
import { flashblockJson } from '../support/messages.ts';
import { parsePosition } from '../support/positions.ts';
import { usesResources } from '../support/use.ts';
import { EdgeHarness } from './harness.ts';
import { RawPeer, upgradeRequest } from './raw-peer.ts';

const WANTED = `0x${'a1'.repeat(20)}`;
const OTHER = `0x${'b2'.repeat(20)}`;
const MINE = `addresses=${WANTED}`;

describe('clients with a filter', () => {
  const use = usesResources();

  /** Delivers messages; those whose name ends with `*` are wanted. */
  function deliver(edge: EdgeHarness, names: readonly string[]): void {
    for (const name of names) {
      const position = parsePosition(name.replace('*', ''));
      const transactions = [`0x02${(name.endsWith('*') ? WANTED : OTHER).slice(2)}`];
      const plain = flashblockJson(position, { note: name, transactions });
      edge.deliver({ plain, payload: plain, plainLength: plain.length, position });
    }
  }

  async function edgeWith(names: readonly string[], settings: Parameters<typeof EdgeHarness.start>[0] = {}) {
    const edge = use(await EdgeHarness.start(settings));
    deliver(edge, names);
    return edge;
  }

  const connect = async (edge: EdgeHarness, target: string): Promise<RawPeer> =>
    use(await RawPeer.upgrade(edge.port, target));

  async function namesAt(peer: RawPeer, count: number): Promise<string[]> {
    return (await peer.received(count)).map(({ payload }) => /"note":"([^"]*)"/.exec(payload.toString())![1]!);
  }

  const resumed = (peer: RawPeer) => [peer.headers.get('flashcast-resume'), peer.headers.get('flashcast-from')];

  for (const target of [`/ws?${MINE}`, `/ws/filter?${MINE}`, `/ws/filter?${MINE}&match=all&encoding=text`]) {
    it(`get what they want by ${target.replace(WANTED, '0x..')}`, async () => {
      const edge = await edgeWith(['8-0*']);
      const peer = await connect(edge, target);
      deliver(edge, ['9-0', '9-1*', '9-2', '10-0', '10-1*']);
      assert.deepEqual(await namesAt(peer, 2), ['9-1*', '10-1*']);
      const kind = target.includes('text') ? 'encoding="text"' : 'encoding="identity"';
      assert.equal(await edge.sample(`flashcast_clients{kind="filtered",${kind}}`), 1);
      peer.socket.destroy();
      await edge.logged('client disconnected');
      assert.equal(await edge.sample(`flashcast_clients{kind="filtered",${kind}}`), 0);
      assert.equal(edge.fanout.filtering.filters, 0);
    });
  }

  it('get everything by a filter without terms', async () => {
    const edge = await edgeWith([]);
    const peer = await connect(edge, '/ws/filter?addresses=&topics=');
    deliver(edge, ['9-0', '9-1*']);
    assert.deepEqual(await namesAt(peer, 2), ['9-0', '9-1*']);
    assert.equal(await edge.sample('flashcast_clients{kind="plain",encoding="identity"}'), 1);
  });

  it('keep nothing of the query once they are let in', async () => {
    const edge = await edgeWith([]);
    await connect(edge, `/ws?${MINE}`);
    await edge.clients(1);
    assert.equal(edge.fanout.clients[0]!.grant.filter, undefined);
  });

  it('resume at a position of the whole stream, and get what they want from there on', async () => {
    const edge = await edgeWith(['9-0*', '9-1', '9-2*', '9-3', '10-0*']);
    // A message that it did not want is where it stands.
    const peer = await connect(edge, `/ws?${MINE}&block_number=9&flashblock_index=1`);
    assert.deepEqual(resumed(peer), ['complete', '9-2']);
    deliver(edge, ['10-1', '10-2*']);
    assert.deepEqual(await namesAt(peer, 3), ['9-2*', '10-0*', '10-2*']);
  });

  it('wait for a position that the stream has yet to come to, also where that message is not theirs', async () => {
    const edge = await edgeWith(['9-0*']);
    const peer = await connect(edge, `/ws?${MINE}&block_number=9&flashblock_index=2`);
    assert.deepEqual(resumed(peer), ['live', undefined]);
    deliver(edge, ['9-1*', '9-2', '9-3', '9-4*']);
    assert.deepEqual(await namesAt(peer, 1), ['9-4*']);
    assert.equal(await edge.sample('flashcast_resumes_total{outcome="complete"}'), 1);
  });

  it('get what they want of the current block by a snapshot, then live messages', async () => {
    const edge = await edgeWith(['8-0*', '9-0', '9-1*', '9-2']);
    const peer = await connect(edge, `/ws/filter?${MINE}&snapshot=block`);
    assert.deepEqual(resumed(peer), ['complete', '9-0']);
    deliver(edge, ['9-3*']);
    assert.deepEqual(await namesAt(peer, 2), ['9-1*', '9-3*']);
  });

  it('are refused in the order of the contract: draining and a full edge first, then the parameters', async () => {
    const full = await edgeWith([], { instanceConnectionLimit: 1, maxFilterTerms: 2 });
    await connect(full, '/ws');
    const refused = async (edge: EdgeHarness, target: string): Promise<[number | undefined, string]> => {
      const peer = use(new RawPeer(edge.port));
      peer.socket.write(upgradeRequest(target));
      await peer.end();
      return [peer.status, (JSON.parse(peer.body) as { message: string }).message];
    };
    assert.deepEqual(await refused(full, '/ws?addresses=x'), [429, 'Global limit']);
    const edge = await edgeWith([], { maxFilterTerms: 2 });
    assert.deepEqual(await refused(edge, `/ws?addresses=${WANTED},${OTHER},${WANTED}`), [
      400,
      'addresses: term 3: expected at most 2 addresses and topics',
    ]);
    assert.deepEqual(await refused(edge, '/ws/none/filter?addresses=x'), [404, 'Not found']);
    assert.equal(await edge.sample('flashcast_admissions_total{result="bad_request"}'), 1);
  });
});
