import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { envelopeOf } from '../stream/envelopes.ts';
import type { FakeClient } from './fake-clients.ts';
import { FilteredSetup, addressOf, numbersOf, wanting } from './filtered-setup.ts';

const EVALUATIONS = 'flashcast_filter_evaluate_seconds_count';
const UNPARSED = 'flashcast_filter_unparsed_total';

describe('the fan-out to filtered clients', () => {
  it('gives each what it wants, the others everything, and all the same buffers', async () => {
    const setup = new FilteredSetup();
    const [one, both, all] = [setup.join(wanting(1)), setup.join(wanting(1, 2)), setup.join(undefined)];
    for (const names of [[1], [2], [3], [], [3, 1]]) setup.deliver(names);
    await setup.settled();
    assert.deepEqual(numbersOf(one), [0, 4]);
    assert.deepEqual(numbersOf(both), [0, 1, 4]);
    assert.deepEqual(numbersOf(all), [0, 1, 2, 3, 4]);
    assert.equal(one.socket.written[0], all.socket.written[0]);
    assert.equal(one.cursor, setup.ring.head);
    assert.equal(await setup.sample('flashcast_filter_matches_total'), 5);
  });

  it('looks at a message once, however many filter, and never where nobody does', async () => {
    const setup = new FilteredSetup();
    setup.join(undefined);
    setup.deliver([1]);
    assert.equal(await setup.sample(EVALUATIONS), 0);
    const clients = Array.from({ length: 300 }, (_, name) => setup.join(wanting(name, name + 1)));
    for (let message = 0; message < 5; message += 1) setup.deliver([7]);
    await setup.settled();
    assert.equal(await setup.sample(EVALUATIONS), 5);
    for (const client of clients) setup.fanout.remove(client);
    assert.equal(setup.fanout.filtering.filters, 0);
    setup.deliver([1]);
    await setup.settled();
    assert.equal(await setup.sample(EVALUATIONS), 5);
  });

  it('looks at a message once for all that wait to catch up', async () => {
    const setup = new FilteredSetup();
    for (let message = 0; message < 20; message += 1) setup.deliver([message % 4]);
    const clients = Array.from({ length: 100 }, (_, at) => setup.join(wanting(at), at % 10));
    await setup.settled();
    assert.equal(await setup.sample(EVALUATIONS), 20);
    assert.deepEqual(numbersOf(clients[1]!), [1, 5, 9, 13, 17]);
    assert.deepEqual(numbersOf(clients[2]!), [2, 6, 10, 14, 18]);
    assert.deepEqual(numbersOf(clients[7]!), []);
    assert.ok(clients.every(({ cursor, catchingUp }) => cursor === 20 && !catchingUp));
  });

  it('gives no filtered client what cannot be read or is no flashblock, and counts it once', async () => {
    const setup = new FilteredSetup();
    const [client, other, all] = [setup.join(wanting(1)), setup.join(wanting(2)), setup.join(undefined)];
    const named = Buffer.from(`{"n":"9","diff":{"transactions":["0x02${addressOf(1)}"]}}`);
    const { position, ...none } = envelopeOf(1, { plain: named });
    assert.equal(position, undefined);
    setup.fanout.entry(setup.ring.append({ envelope: none, lostBefore: 0 }, setup.time));
    setup.deliver([1], { plain: Buffer.from('{"n":"8"') });
    await setup.settled();
    assert.equal(await setup.sample(UNPARSED), 2);
    setup.join(wanting(1), 0);
    await setup.settled();
    assert.equal(await setup.sample(UNPARSED), 2);
    assert.deepEqual(
      [client, other, all].map(({ socket }) => socket.written.length),
      [0, 0, 2],
    );
  });

  it('tells how many filter, and whether the stream carries receipts', async () => {
    const setup = new FilteredSetup();
    const { filtering } = setup.fanout;
    const receipts = '"metadata":{"receipts":{"0x1":{"Eip1559":{"logs":[]}}}}';
    const plainOf = (transactions: string, rest = '') =>
      Buffer.from(`{"diff":{"transactions":[${transactions}]}${rest && `,${rest}`}}`);
    const clients = [setup.join(wanting(1)), setup.join(wanting(1)), setup.join(wanting(2)), setup.join(undefined)];
    assert.deepEqual([filtering.clients, filtering.filters, filtering.hasReceipts], [3, 2, undefined]);
    for (const [plain, known] of [
      [plainOf(''), undefined],
      [plainOf(`"0x02${addressOf(1)}"`), false],
      [plainOf(`"0x02${addressOf(1)}"`, receipts), true],
      [plainOf(''), true],
      [plainOf('', receipts), true],
      [plainOf(`"0x02${addressOf(1)}"`), false],
    ] as const) {
      setup.deliver([], { plain, payload: plain, plainLength: plain.length });
      await setup.settled();
      assert.equal(filtering.hasReceipts, known);
      assert.equal(await setup.sample('flashcast_stream_has_receipts'), known === true ? 1 : 0);
    }
    for (const client of [...clients, ...clients]) setup.fanout.remove(client);
    assert.deepEqual([filtering.clients, filtering.filters], [0, 0]);
  });

  it('ends a slice of a catch-up by its time where nothing is wanted', async () => {
    const setup = new FilteredSetup();
    for (let message = 0; message < 20; message += 1) setup.deliver([1]);
    setup.slowDown();
    const client = setup.join(wanting(2), 0);
    await turn();
    assert.ok(client.cursor > 0 && client.cursor <= 3, `${client.cursor} of 20 in one slice`);
    setup.deliver([2]);
    await setup.settled();
    assert.deepEqual(numbersOf(client), [20]);
  });

  it('ends a slice of many catch-ups by its time where nothing is wanted', async () => {
    const setup = new FilteredSetup();
    setup.deliver([1]);
    setup.slowDown();
    const clients = Array.from({ length: 20 }, () => setup.join(wanting(2), 0));
    await turn();
    const served = clients.filter(({ cursor }) => cursor === 1).length;
    assert.ok(served > 0 && served <= 3, `${served} of 20 in one slice`);
    await setup.settled();
    assert.ok(clients.every(({ cursor }) => cursor === 1));
  });

  it('goes on in slices with a client that was blocked', async () => {
    const setup = new FilteredSetup();
    const client = setup.join(wanting(1));
    client.socket.room = 0;
    setup.deliver([1]);
    for (let message = 0; message < 15; message += 1) setup.deliver([2]);
    setup.slowDown();
    client.socket.take(Infinity);
    assert.ok(client.cursor > 1 && client.cursor <= 4, `${client.cursor} of 16 in one call`);
    await setup.settled();
    assert.equal(client.cursor, 16);
  });

  it('counts the scan forms in the bytes of the ring', () => {
    const setup = new FilteredSetup();
    setup.join(wanting(2));
    setup.deliver([1, 1, 1]);
    const entry = setup.ring.at(0)!;
    assert.equal(entry.bytes, setup.ring.bytes);
    assert.ok(entry.bytes > entry.frame('identity')!.length + entry.scanForm()!.bytes - 1);
  });

  it('gives each client exactly what it wants from its cursor on, in order, whoever comes, blocks and goes', async () => {
    const name = fc.nat({ max: 3 });
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('deliver' as const), names: fc.array(name, { maxLength: 2 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('join' as const),
          names: fc.array(name, { maxLength: 2 }),
          back: fc.nat({ max: 10 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('block' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const setup = new FilteredSetup();
        const here: { client: FakeClient; names: readonly number[]; from: number }[] = [];
        for (const next of steps) {
          if (next.do === 'deliver') setup.deliver(next.names);
          else if (next.do === 'turn') await turn();
          else if (next.do === 'join') {
            const from = Math.max(setup.ring.head - next.back, 0);
            const filter = next.names.length === 0 ? undefined : wanting(...next.names);
            here.push({ client: setup.join(filter, from), names: next.names, from });
          } else if (here.length > 0) {
            const at = next.which % here.length;
            if (next.do === 'block') here[at]!.client.socket.room = 30;
            else setup.fanout.remove(here.splice(at, 1)[0]!.client);
          }
        }
        for (const { client } of here) client.socket.take(Infinity);
        await setup.settled();
        for (const { client, names, from } of here) {
          const wanted = (at: number) => names.length === 0 || setup.messages[at]!.some((has) => names.includes(has));
          const expected = [...setup.messages.keys()].filter((at) => at >= from && wanted(at));
          assert.deepEqual(numbersOf(client), expected);
          assert.equal(client.cursor, setup.ring.head);
        }
        setup.fanout.stop();
      }),
      { seed: 10, numRuns: 150 },
    );
  });
});
