import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { FakeClient } from './fake-clients.ts';
import { FilteredSetup, numbersOf, wanting } from './filtered-setup.ts';

/** A client with a filter for 1, whose socket takes nothing more than a part of its first message. */
function blockedClient(setup: FilteredSetup): FakeClient {
  const client = setup.join(wanting(1));
  client.socket.room = 10;
  setup.deliver([1], {}, 500);
  return client;
}

describe('the lag of filtered clients', () => {
  it('counts no message that they do not want', () => {
    const setup = new FilteredSetup();
    const client = blockedClient(setup);
    for (let message = 0; message < 40; message += 1) {
      setup.time += 200;
      setup.deliver([2]);
      client.socket.take(1);
      setup.fanout.lag.check();
    }
    assert.equal(client.slowness, undefined);
    assert.equal(client.cursor, setup.ring.head);
    assert.deepEqual(setup.fanout.lag.slowest().messages, 1);
  });

  it('counts those that they want, between others too', () => {
    const setup = new FilteredSetup();
    const client = blockedClient(setup);
    let wanted = 1;
    while (client.slowness === undefined && wanted < 60) {
      setup.time += 200;
      setup.deliver([wanted % 2]);
      wanted += 1;
      client.socket.take(1);
      setup.fanout.lag.check();
    }
    assert.equal(client.slowness, 'messages');
    // 21 count: the one that is half written, and every other of those that came at least a second ago.
    assert.equal(wanted, 1 + 2 * 20 + 4);
  });

  it('lets none fall out of the ring for messages that they do not want', async () => {
    const setup = new FilteredSetup();
    const client = blockedClient(setup);
    for (let message = 0; message < 200; message += 1) {
      setup.time += 200;
      setup.deliver([2]);
      client.socket.take(1);
      setup.fanout.lag.check();
    }
    setup.deliver([1]);
    client.socket.take(Infinity);
    await setup.settled();
    assert.equal(client.slowness, undefined);
    assert.deepEqual(numbersOf(client), [0, 201]);
  });

  it('still ends them when their socket takes nothing for too long', () => {
    const setup = new FilteredSetup();
    const client = blockedClient(setup);
    setup.deliver([2]);
    setup.time += 1000;
    setup.fanout.lag.check();
    assert.equal(client.slowness, 'time');
  });

  it('looks at messages for 2 ms at a time, and counts none before', async () => {
    const setup = new FilteredSetup();
    const client = blockedClient(setup);
    for (let message = 0; message < 40; message += 1) {
      setup.time += 25;
      setup.deliver([1]);
    }
    setup.time += 1000;
    setup.lookMs = 1;
    const looked: number[] = [];
    for (let checks = 0; checks < 60 && client.slowness === undefined; checks += 1) {
      const before = (await setup.sample('flashcast_filter_evaluate_seconds_count')) ?? 0;
      client.socket.take(1);
      setup.fanout.lag.check();
      looked.push(((await setup.sample('flashcast_filter_evaluate_seconds_count')) ?? 0) - before);
    }
    assert.ok(
      looked.every((count) => count <= 2),
      `${looked.join(' ')} looks`,
    );
    assert.equal(client.slowness, 'messages');
    assert.ok(looked.length > 5, `after ${looked.length} checks`);
  });

  it('is judged as if the stream had only the messages that they want', () => {
    const step = fc.record({
      gapMs: fc.integer({ min: 20, max: 700 }),
      wanted: fc.boolean(),
      bytes: fc.constantFrom(0, 1000, 90_000),
      takes: fc.constantFrom(0, 1, 1, 1, 400),
    });
    let ended = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const limits = { messageBufferSize: 5, clientQueueBytes: 200_000 };
        const [filtered, plain] = [new FilteredSetup(limits), new FilteredSetup(limits)];
        const clients = [blockedClient(filtered), plain.join(undefined)] as const;
        clients[1].socket.room = 10;
        plain.deliver([1], {}, 500);
        for (const { gapMs, wanted, bytes, takes } of steps) {
          for (const setup of [filtered, plain]) setup.time += gapMs;
          filtered.deliver([wanted ? 1 : 2], {}, bytes);
          if (wanted) plain.deliver([1], {}, bytes);
          for (const { socket } of clients) socket.take(takes);
          for (const { fanout } of [filtered, plain]) fanout.lag.check();
          assert.equal(clients[0].slowness, clients[1].slowness);
          assert.equal(clients[0].blocked, clients[1].blocked);
          if (clients[0].slowness !== undefined) break;
        }
        ended += clients[0].slowness === undefined || clients[0].slowness === 'time' ? 0 : 1;
        assert.equal(clients[0].socket.written.length, clients[1].socket.written.length);
      }),
      { seed: 4, numRuns: 300 },
    );
    assert.ok(ended > 30, `${ended} of 300 by their messages or bytes`);
  });
});
