import assert from 'node:assert/strict';
import { StreamClient } from '../../client/client.ts';
import { ClientError, type ClientEvent } from '../../client/event.ts';
import type { StreamMessage } from '../../client/message.ts';
import type { ClientOptions } from '../../client/options.ts';
import { FakeNet } from './support.ts';

const URL = 'ws://host/ws';

function connect(net: FakeNet, options: ClientOptions = {}): { client: StreamClient; events: ClientEvent[] } {
  const events: ClientEvent[] = [];
  const client = new StreamClient(URL, { onEvent: (event) => events.push(event), ...options }, net.platform);
  return { client, events };
}

/** Reads so many messages without leaving the loop, and says what each is. */
function reader(client: StreamClient): (count: number) => Promise<string[]> {
  const messages = client[Symbol.asyncIterator]();
  return async (count) => {
    const seen: string[] = [];
    while (seen.length < count) {
      const { value, done } = await messages.next();
      if (done === true) break;
      seen.push(summary(value));
    }
    return seen;
  };
}

function summary(message: StreamMessage): string {
  if (message.kind === 'other') return `other ${message.encoding}`;
  return `${message.position.blockNumber}-${message.position.index} ${message.order}`;
}

describe('the client', () => {
  it('gives messages in order, says how each follows the one before, and counts', async () => {
    const net = new FakeNet();
    const { client } = connect(net);
    const read = reader(client);
    const connection = net.last.open();
    connection.blocks([5, 0], [5, 1], [5, 1], [5, 3], [5, 2], [6, 0], [9, 0], [2, 0]);
    connection.text('{"payload_id":"0x1"}');
    assert.deepEqual(await read(9), [
      '5-0 first',
      '5-1 next',
      '5-1 repeat',
      '5-3 gap',
      '5-2 late',
      '6-0 next',
      '9-0 gap',
      '2-0 restart',
      'other text',
    ]);
    const { messages, gaps, repeats, restarts, reconnects } = client.stats;
    assert.deepEqual([messages, gaps, repeats, restarts, reconnects], [9, 3, 1, 1, 0]);
    await client.close();
  });

  it('connects again after any end, behind what it received last, with full jitter', async () => {
    const net = new FakeNet();
    const { client, events } = connect(net, { backoffMs: 400, maxBackoffMs: 1000 });
    const read = reader(client);
    net.last.open().blocks([5, 0], [5, 1]);
    net.last.end({ kind: 'closed', code: 1001, reason: 'draining' });
    assert.deepEqual(net.clock.waits, [200], 'half of 400, as the draw is 0.5');
    net.clock.pass(200);
    assert.equal(net.last.url, `${URL}?block_number=5&flashblock_index=1&payload_id=0x0000000000000005`);
    net.last.end({ kind: 'failed', reason: 'connect ECONNREFUSED' });
    assert.deepEqual(net.clock.waits, [400]);
    net.clock.pass(400);
    net.last.end({ kind: 'refused', status: 503, reason: 'Draining', retryAfterMs: 2000 });
    assert.deepEqual(net.clock.waits, [2500], 'what the server asked for, and the ceiling of 1000');
    net.clock.pass(2500);
    net.last.open({ resume: 'complete', from: { blockNumber: 5, index: 2 } }).blocks([5, 2]);
    assert.deepEqual(await read(3), ['5-0 first', '5-1 next', '5-2 next']);
    assert.deepEqual(events, [
      { type: 'connected', again: false },
      { type: 'disconnected', reason: 'closed the connection: 1001 draining', code: 1001, retryInMs: 200 },
      { type: 'disconnected', reason: 'connect ECONNREFUSED', retryInMs: 400 },
      { type: 'disconnected', reason: 'refused with HTTP status 503: Draining', retryInMs: 2500 },
      { type: 'connected', again: true, resume: 'complete', from: { blockNumber: 5, index: 2 } },
    ]);
    net.last.end({ kind: 'closed', code: 1006, reason: '' });
    assert.deepEqual(net.clock.waits, [200], 'a message makes the next wait a first one');
    await client.close();
    assert.deepEqual(net.clock.waits, []);
  });

  it('begins behind the position that it is given, and judges the order from there', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { resume: { blockNumber: 7, index: 3 }, snapshot: true });
    assert.equal(net.last.url, `${URL}?block_number=7&flashblock_index=3`);
    assert.deepEqual(client.position, { blockNumber: 7, index: 3 });
    const read = reader(client);
    net.last.open().blocks([7, 5]);
    assert.deepEqual(await read(1), ['7-5 gap']);
    await client.close();
  });

  it('knows the position that was read, not the one that was received', async () => {
    const net = new FakeNet();
    const { client } = connect(net);
    const read = reader(client);
    net.last.open().blocks([5, 0], [5, 1]);
    assert.equal(client.position, undefined);
    await read(1);
    assert.deepEqual(client.position, { blockNumber: 5, index: 0, payloadId: '0x0000000000000005' });
    net.last.end({ kind: 'closed', code: 1006, reason: '' });
    net.clock.pass(250);
    assert.match(net.last.url, /flashblock_index=1/);
    await client.close();
  });

  it('asks once without a position where the server does not take one, and with it again the next time', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { resume: { blockNumber: 7, index: 3 } });
    net.last.end({ kind: 'refused', status: 400, reason: '' });
    net.clock.pass(0);
    assert.equal(net.last.url, URL);
    net.last.open().blocks([7, 4]);
    net.last.end({ kind: 'closed', code: 1006, reason: '' });
    net.clock.pass(500);
    assert.equal(net.dials.length, 3);
    assert.match(net.last.url, /block_number=7&flashblock_index=4/);
    await client.close();
  });

  it('waits out a server that refuses for a while a URL that has worked, and asks it for nothing old without a position', async () => {
    const net = new FakeNet();
    const client = new StreamClient(`${URL}?block_number=1&flashblock_index=0`, { snapshot: true }, net.platform);
    const read = reader(client);
    net.last.open().blocks([5, 0]);
    await read(1);
    net.last.end({ kind: 'closed', code: 1001, reason: '' });
    net.clock.pass(500);
    const refuse = () => net.last.end({ kind: 'refused', status: 404, reason: '' });
    for (let round = 0; round < 3; round += 1) {
      assert.equal(net.last.url, `${URL}?block_number=5&flashblock_index=0&payload_id=0x0000000000000005`);
      refuse();
      net.clock.pass(0);
      assert.equal(net.last.url, URL);
      refuse();
      net.clock.pass(10_000);
    }
    net.last.open().blocks([5, 1]);
    assert.deepEqual(await read(1), ['5-1 next']);
    await client.close();
  });

  it('throws what waiting does not cure, when all that came before has been read', async () => {
    for (const [end, message, detail] of [
      [{ kind: 'refused', status: 401, reason: 'Invalid API key' }, /status 401: Invalid API key$/, { status: 401 }],
      [{ kind: 'closed', code: 1008, reason: 'key revoked' }, /1008 key revoked$/, { code: 1008 }],
      [{ kind: 'failed', reason: 'Max payload size exceeded', final: true }, /Max payload/, {}],
    ] as const) {
      const net = new FakeNet();
      const { client } = connect(net);
      const read = reader(client);
      net.last.open().blocks([5, 0]);
      net.last.end(end);
      assert.deepEqual(await read(1), ['5-0 first']);
      await assert.rejects(read(1), (error) => {
        assert.ok(error instanceof ClientError);
        assert.match(error.message, message);
        const { status, code } = error;
        assert.deepEqual({ status, code }, { status: undefined, code: undefined, ...detail });
        return true;
      });
      assert.deepEqual(await read(1), [], 'ended, and says why once');
      assert.equal(net.dials.length, 1);
    }
  });

  it('ends with the first connection where it is not to connect again', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { reconnect: false });
    net.last.open().end({ kind: 'closed', code: 1001, reason: '' });
    await assert.rejects(reader(client)(1), { code: 1001 });
    assert.deepEqual(net.clock.waits, []);
  });

  it('pauses the socket of a slow reader at its bound, and goes on at half of it', async () => {
    const net = new FakeNet();
    const { client, events } = connect(net, { maxBufferedMessages: 4 });
    const read = reader(client);
    const connection = net.last.open();
    connection.blocks([5, 0], [5, 1], [5, 2]);
    assert.equal(connection.pauses, 0);
    connection.blocks([5, 3], [5, 4]);
    assert.equal(connection.pauses, 1);
    assert.deepEqual(events.at(-1), { type: 'slow-reader', action: 'paused' });
    net.clock.pass(120_000);
    assert.equal(connection.closed, false, 'a paused connection is not idle');
    await read(2);
    assert.equal(connection.resumes, 0);
    await read(1);
    assert.equal(connection.resumes, 1);
    connection.blocks([5, 5]);
    assert.deepEqual(await read(3), ['5-3 next', '5-4 next', '5-5 next']);
    await client.close();
  });

  it('counts bytes, and takes one message whatever its size', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { maxBufferedBytes: 1000 });
    const read = reader(client);
    net.last.open().text(`{"x":"${'x'.repeat(2000)}"}`);
    assert.equal(net.last.pauses, 1);
    await read(1);
    assert.equal(net.last.resumes, 1);
    await client.close();
  });

  it('leaves where it cannot pause, and comes back behind what it has when there is room', async () => {
    const net = new FakeNet(false);
    const { client, events } = connect(net, { maxBufferedMessages: 4 });
    const read = reader(client);
    const first = net.last.open();
    first.blocks([5, 0], [5, 1], [5, 2], [5, 3]);
    assert.equal(first.closed, true);
    assert.deepEqual(events.at(-1), { type: 'slow-reader', action: 'left' });
    first.blocks([5, 4]);
    await read(1);
    assert.equal(net.dials.length, 1);
    await read(1);
    assert.equal(net.dials.length, 2);
    assert.match(net.last.url, /block_number=5&flashblock_index=3/);
    net.last.open().blocks([5, 4]);
    assert.deepEqual(await read(3), ['5-2 next', '5-3 next', '5-4 next']);
    await client.close();
  });

  it('does not dial for a reader that is still behind', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { maxBufferedMessages: 2 });
    const read = reader(client);
    net.last.open().blocks([5, 0], [5, 1]);
    net.last.end({ kind: 'closed', code: 1013, reason: 'too slow' });
    net.clock.pass(60_000);
    assert.equal(net.dials.length, 1);
    await read(1);
    assert.equal(net.dials.length, 2);
    await client.close();
  });

  it('gives a connection up that is never answered or falls silent', async () => {
    const net = new FakeNet();
    const { client, events } = connect(net, { connectTimeoutMs: 100, idleTimeoutMs: 3000 });
    net.clock.pass(100);
    assert.equal(net.dials[0]!.closed, true);
    assert.deepEqual(events.at(-1), { type: 'disconnected', reason: 'no connection within 100 ms', retryInMs: 250 });
    net.clock.pass(250);
    const connection = net.last.open();
    net.clock.pass(2000);
    assert.equal(connection.pings, 2);
    connection.heard();
    net.clock.pass(2000);
    assert.equal(connection.closed, false);
    net.clock.pass(1000);
    assert.equal(connection.closed, true);
    assert.match(JSON.stringify(events.at(-1)), /nothing came for 3000 ms/);
    await client.close();
  });

  it('never gives a connection up for its silence where that is off', async () => {
    const net = new FakeNet();
    const { client } = connect(net, { idleTimeoutMs: 0 });
    net.last.open();
    net.clock.pass(3_600_000);
    assert.equal(net.last.closed, false);
    await client.close();
  });

  it('ends quietly by close(), by its signal and by leaving the loop, and closes its connection', async () => {
    const byClose = new FakeNet();
    const closing = connect(byClose).client;
    const waiting = reader(closing)(1);
    byClose.last.open();
    await Promise.all([closing.close(), closing.close()]);
    assert.deepEqual(await waiting, []);
    assert.equal(byClose.last.closed, true);

    const bySignal = new FakeNet();
    const controller = new AbortController();
    const aborting = connect(bySignal, { signal: controller.signal }).client;
    bySignal.last.open().blocks([5, 0]);
    controller.abort();
    assert.deepEqual(await reader(aborting)(1), []);
    assert.equal(bySignal.last.closed, true);

    const byBreak = new FakeNet();
    const { client } = connect(byBreak);
    byBreak.last.open().blocks([5, 0], [5, 1]);
    for await (const message of client) {
      assert.equal(summary(message), '5-0 first');
      break;
    }
    assert.equal(byBreak.last.closed, true);
    assert.deepEqual([...byClose.clock.waits, ...bySignal.clock.waits, ...byBreak.clock.waits], []);
  });

  it('dials nothing for a signal that was aborted before', async () => {
    const net = new FakeNet();
    assert.deepEqual(await reader(connect(net, { signal: AbortSignal.abort() }).client)(1), []);
    assert.equal(net.dials.length, 0);
  });

  it('dials no more when its listener closes it at a disconnect', () => {
    const net = new FakeNet();
    const client: StreamClient = new StreamClient(
      URL,
      { onEvent: ({ type }) => void (type === 'disconnected' && client.close()) },
      net.platform,
    );
    net.last.open().end({ kind: 'closed', code: 1006, reason: '' });
    assert.deepEqual(net.clock.waits, []);
  });

  it('does not judge the order of a filtered stream', async () => {
    const net = new FakeNet();
    const client = new StreamClient(`${URL}?addresses=0x1`, {}, net.platform);
    net.last.open().blocks([5, 0], [9, 7]);
    assert.deepEqual(await reader(client)(2), ['5-0 unknown', '9-7 unknown']);
    assert.equal(client.stats.gaps, 0);
    await client.close();
  });

  it('ends at once for a reader that leaves while it waits for a message', async () => {
    const net = new FakeNet();
    const { client } = connect(net);
    net.last.open();
    const messages = client[Symbol.asyncIterator]();
    const waiting = messages.next();
    assert.deepEqual(await messages.return!(), { done: true, value: undefined });
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.equal(net.last.closed, true);
  });

  it('gives each message to one of several readers, and ends them all', async () => {
    const net = new FakeNet();
    const { client } = connect(net);
    const read = [reader(client), reader(client), reader(client)].map((one) => one(1));
    net.last.open().blocks([5, 0], [5, 1]);
    assert.deepEqual(await Promise.all(read.slice(0, 2)), [['5-0 first'], ['5-1 next']]);
    await client.close();
    assert.deepEqual(await read[2], []);
  });

  it('forgets at its close why it ended, and what was not read', async () => {
    const net = new FakeNet();
    const { client } = connect(net);
    net.last.open().blocks([5, 0]);
    net.last.end({ kind: 'closed', code: 1008, reason: '' });
    await client.close();
    assert.deepEqual(await reader(client)(1), []);
  });

  it('goes on where its listener throws, which nobody catches', async () => {
    const net = new FakeNet();
    const client = new StreamClient(
      URL,
      {
        onEvent: ({ type }) => {
          throw new Error(`of the listener at ${type}`);
        },
      },
      net.platform,
    );
    net.last.open();
    assert.throws(() => net.clock.pass(0), /of the listener at connected/);
    net.last.end({ kind: 'failed', reason: 'cut' });
    assert.throws(() => net.clock.pass(0), /of the listener at disconnected/);
    net.clock.pass(250);
    assert.equal(net.dials.length, 2);
    net.last.end({ kind: 'closed', code: 1008, reason: '' });
    await assert.rejects(reader(client)(1), { code: 1008 });
  });

  it('leaves nothing behind of a first dial that is impossible', () => {
    const net = new FakeNet();
    const open = (): never => {
      throw new TypeError('Header name must be a valid HTTP token');
    };
    assert.throws(() => new StreamClient(URL, {}, { ...net.platform, open }), /valid HTTP token/);
    assert.deepEqual(net.clock.waits, []);
  });

  it('refuses a position that is none', () => {
    const net = new FakeNet();
    for (const resume of [
      null,
      {},
      { block_number: 5, flashblock_index: 1 },
      { blockNumber: '5', index: 1 },
      { blockNumber: 5, index: 65_536 },
      { blockNumber: 5, index: 1, payloadId: '' },
    ])
      assert.throws(() => connect(net, { resume: resume as never }), {
        name: 'RangeError',
        message: /^resume: expected /,
      });
    assert.equal(net.dials.length, 0);
  });

  it('refuses numbers and URLs that cannot be, without repeating the URL', () => {
    const net = new FakeNet();
    for (const [options, problem] of [
      [{ backoffMs: 0 }, /^backoffMs: expected a whole number from 1 to 2147483647, received 0$/],
      [{ idleTimeoutMs: -1 }, /^idleTimeoutMs: .* received -1$/],
      [{ maxBufferedMessages: 1.5 }, /^maxBufferedMessages/],
      [{ maxMessageBytes: Number.NaN }, /^maxMessageBytes/],
    ] as const)
      assert.throws(() => connect(net, options), { name: 'RangeError', message: problem });
    for (const [url, problem] of [
      ['http://secret@host/', /^expected a ws:\/\/ or wss:\/\/ URL, received http:\/\/$/],
      ['ws://secret:x:y/', /^the URL cannot be read/],
      ['ws://host/#secret', /fragment/],
    ] as const)
      assert.throws(
        () => new StreamClient(url, {}, net.platform),
        (error: Error) => problem.test(error.message) && !error.message.includes('secret'),
      );
    assert.equal(net.dials.length, 0);
  });
});
