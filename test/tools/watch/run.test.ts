import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { SimulatedChain } from '../../../tools/simulate/chain.ts';
import { watch } from '../../../tools/watch/run.ts';
import { TestBuilder } from '../../support/builder.ts';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { MemoryIo } from '../../support/memory-io.ts';
import { usesResources } from '../../support/use.ts';

const chain = new SimulatedChain({ seed: 6 });
const block = (blockNumber: number, index: number): Buffer => chain.message({ blockNumber, index });
const SECRET = 'hunter2-of-the-url';

describe('flashcast watch', () => {
  const use = usesResources();

  it('prints a line per message and ends with 0 when the count came', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '4'], io);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    connection!.sendBinary(block(5, 1));
    connection!.sendBrotli(block(5, 2));
    connection!.sendText('{"payload_id":"0x1"}');
    connection!.sendText(block(9, 9));
    assert.equal(await ended, 0);
    assert.deepEqual(
      io.lines.map((line) => line.split(/ +/).slice(1, 3)),
      [
        ['5-0', chain.payloadId(5)],
        ['5-1', chain.payloadId(5)],
        ['5-2', chain.payloadId(5)],
        ['no', 'flashblock'],
      ],
    );
    assert.equal(io.err, '');
    await builder.changes.until(() => connection!.closeCode === 1000, 'a clean close');
  });

  it('prints JSON lines with --json', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--json', '--count=2'], io);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    connection!.sendBrotli(block(5, 1));
    assert.equal(await ended, 0);
    const objects = io.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      objects.map(({ block, index, encoding }) => [block, index, encoding]),
      [
        [5, 0, 'text'],
        [5, 1, 'br'],
      ],
    );
    assert.equal(typeof objects[1]!['interval_ms'], 'number');
  });

  it('asks for an encoding in the query it was given', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([`${builder.url}?addresses=0x1`, '--encoding', 'br'], io);
    await builder.connected();
    assert.equal(builder.attempts[0]!.url, '/ws?addresses=0x1&encoding=br');
    io.interrupt();
    assert.equal(await ended, 0);
  });

  it('asks for a filter, with the query that it was given as it was typed', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const [first, second] = [`0x${'a1'.repeat(20)}`, `0x${'B2'.repeat(20)}`];
    const topic = `0x${'c3'.repeat(32)}`;
    const ended = watch(
      [`${builder.url}?token=a%20b`, '--address', first, `--address=${second}`, '--topic', topic, '--match', 'all'],
      io,
    );
    await builder.connected();
    assert.equal(builder.attempts[0]!.url, `/ws?token=a%20b&addresses=${first},${second}&topics=${topic}&match=all`);
    io.interrupt();
    assert.equal(await ended, 0);
  });

  it('does not judge the order of a filtered stream, whose holes say nothing', async () => {
    for (const [query, flags] of [
      ['', ['--address', `0x${'a1'.repeat(20)}`]],
      [`?topics=0x${'c3'.repeat(32)}`, []],
    ] as const) {
      const builder = use(await TestBuilder.start());
      const io = new MemoryIo();
      const ended = watch([`${builder.url}${query}`, '--count', '3', ...flags], io);
      const [connection] = await builder.connected();
      for (const index of [0, 3, 9]) connection!.sendText(block(7, index));
      assert.deepEqual([await ended, io.err, io.lines.length], [0, '', 3]);
    }
  });

  it('judges the order where the filter is empty', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([`${builder.url}?addresses=&match=all`, '--count', '2'], io);
    const [connection] = await builder.connected();
    for (const index of [0, 3]) connection!.sendText(block(7, index));
    assert.equal(await ended, 1);
  });

  it('refuses a filter that cannot be, or that contradicts the URL, without repeating that', async () => {
    const address = `0x${'a1'.repeat(20)}`;
    for (const [argv, problem] of [
      [['ws://h/ws', '--address', '0x1'], '--address: expected 0x and 40 hex digits, received "0x1"'],
      [['ws://h/ws', '--topic', address], `--topic: expected 0x and 64 hex digits, received "${address}"`],
      [['ws://h/ws', '--match', 'some'], '--match: expected one of any, all, received "some"'],
      [[`ws://h/ws?addresses=${SECRET}`, '--address', address], '--address: the URL has addresses already'],
      [['ws://h/ws?match=any', '--match', 'all'], '--match: the URL has match already'],
    ] as const) {
      const io = new MemoryIo();
      assert.equal(await watch(argv, io), 2);
      assert.equal(io.err, `flashcast watch: ${problem}\nTry 'flashcast watch --help'.\n`);
    }
  });

  it('tells where a rule was broken, goes on, and ends with 1', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '5'], io);
    const [connection] = await builder.connected();
    for (const index of [0, 1, 1, 3, 4]) connection!.sendText(block(7, index));
    assert.equal(await ended, 1);
    assert.deepEqual(io.err.split('\n'), [
      'flashcast watch: 7-1 came again',
      'flashcast watch: sequence rule broken: expected 7-2 or 8-0, got 7-3',
      'flashcast watch: sequence rules broken 1 times',
      '',
    ]);
    assert.equal(io.lines.length, 5);
  });

  it('takes a new run for no broken rule', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '2'], io);
    const [connection] = await builder.connected();
    connection!.sendText(block(7, 3));
    connection!.sendText(block(2, 0));
    assert.equal(await ended, 0);
    assert.equal(io.err, 'flashcast watch: a new run begins at 2-0\n');
  });

  it('ends with 130 when it is interrupted before the count came', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '2'], io);
    await builder.connected();
    io.interrupt();
    assert.equal(await ended, 130);
  });

  it('ends with 1 when the server closes, and says how', async () => {
    const builder = use(await TestBuilder.start({ reception: 'accept-and-close' }));
    const io = new MemoryIo();
    assert.equal(await watch([builder.url], io), 1);
    assert.equal(io.err, `flashcast watch: 127.0.0.1:${builder.port} closed the connection: 1000\n`);
  });

  it('ends with 1 when it is refused, and keeps the secrets of its URL', async () => {
    const builder = use(await TestBuilder.start({ reception: 401 }));
    const io = new MemoryIo();
    const url = `ws://user:${SECRET}@127.0.0.1:${builder.port}/ws/${SECRET}?key=${SECRET}`;
    assert.equal(await watch([url], io), 1);
    assert.equal(io.err, `flashcast watch: 127.0.0.1:${builder.port}: refused with HTTP status 401\n`);
    const credentials = Buffer.from(`user:${SECRET}`).toString('base64');
    assert.equal(builder.attempts[0]!.headers.authorization, `Basic ${credentials}`);
    await builder.stop();
    const second = new MemoryIo();
    assert.equal(await watch([url], second), 1);
    assert.match(second.err, /ECONNREFUSED/);
    assert.ok(!`${io.err}${second.err}`.includes(SECRET));
  });

  it('repeats what flashcast says about a refusal, without control characters', async () => {
    const body = '{"message":"Invalid \\u001b[31mAPI key"}';
    const server = createServer((socket) => {
      socket.resume();
      socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const io = new MemoryIo();
    assert.equal(await watch([`ws://127.0.0.1:${port}/ws`], io), 1);
    assert.equal(io.err, `flashcast watch: 127.0.0.1:${port}: refused with HTTP status 401: Invalid API key\n`);
    server.close();
    await once(server, 'close');
  });

  it('ends with 1 when the handshake is never answered, or nothing comes', async () => {
    const builder = use(await TestBuilder.start({ reception: 'ignore' }));
    const io = new MemoryIo();
    assert.equal(await watch([builder.url, '--timeout-ms', '30'], io), 1);
    assert.match(io.err, /: no connection within 30 ms\n$/);
    builder.reception = 'accept';
    const second = new MemoryIo();
    assert.equal(await watch([builder.url, '--timeout-ms', '30'], second), 1);
    assert.match(second.err, /: no message within 30 ms\n$/);
  });

  it('ends with 141 when nobody reads its output any more', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const broken = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const ended = watch([builder.url], { stdout: broken, stderr: io.stderr, interrupted: io.interrupted });
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    assert.equal(await ended, 141);
    assert.equal(io.err, '');
  });

  it('stops reading while its output is not taken', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    let taken = 0;
    let take: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        taken++;
        if (taken === 1) take = done;
        else done();
        io.changes.notify();
      },
    });
    const ended = watch([builder.url, '--count', '20'], {
      stdout: slow,
      stderr: io.stderr,
      interrupted: io.interrupted,
    });
    await builder.connected();
    const other = use(await ClientSwarm.connect({ port: builder.port, clients: 1 }));
    const [watched] = await builder.connected(2);
    // More than the kernel's socket buffers hold, so that what the watch does not read stays with the builder.
    for (let sent = 0; sent < 20; sent++) builder.sendText(`{"n":${sent},"x":"${'x'.repeat(1_000_000)}"}`);
    await other.received(20);
    assert.ok(watched!.queuedBytes > 0);
    assert.equal(taken, 1);
    take?.();
    assert.equal(await ended, 0);
    assert.equal(taken, 20);
  });

  for (const [what, argv, problem] of [
    ['no URL', [], 'expected the URL of a stream, ws:// or wss://'],
    ['two URLs', ['ws://a', 'ws://b'], 'expected one URL, received 2 values'],
    ['another protocol', [`http://u:${SECRET}@a/`], 'expected a ws:// or wss:// URL, received http://'],
    ['what is no URL', [`ws://${SECRET}:x:y/`], 'the URL cannot be read; expected ws://HOST:PORT/ws or wss://HOST/ws'],
    ['a fragment', [`ws://a/#${SECRET}`], 'a WebSocket URL has no fragment (#...)'],
    ['an unknown flag', ['ws://a', '--jsn'], '--jsn: unknown flag; did you mean --json?'],
    [
      'a count of zero',
      ['ws://a', '--count', '0'],
      `--count: expected a whole number from 1 to ${2 ** 53 - 1}, received "0"`,
    ],
  ] as const)
    it(`refuses ${what} with 2`, async () => {
      const io = new MemoryIo();
      assert.equal(await watch(argv, io), 2);
      assert.equal(io.err, `flashcast watch: ${problem}\nTry 'flashcast watch --help'.\n`);
      assert.ok(!io.err.includes(SECRET));
    });

  it('prints its flags and exit status for --help', async () => {
    const io = new MemoryIo();
    assert.equal(await watch(['--help'], io), 0);
    assert.match(io.out, /--timeout-ms N/);
    assert.match(io.out, /Exit status/);
  });
});
