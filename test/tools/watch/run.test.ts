import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { brotliCompressSync } from 'node:zlib';
import { SimulatedChain } from '../../../tools/simulate/chain.ts';
import { readRecording } from '../../../tools/recording.ts';
import { watch } from '../../../tools/watch/run.ts';
import { TestBuilder } from '../../support/builder.ts';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { MemoryIo } from '../../support/memory-io.ts';
import { TemporaryFolder } from '../../support/temporary-folder.ts';
import { usesResources } from '../../support/use.ts';

const chain = new SimulatedChain({ seed: 6 });
const block = (blockNumber: number, index: number): Buffer => chain.message({ blockNumber, index });
const SECRET = 'hunter2-of-the-url';

/** What stands on standard error beside the summary. */
function remarks(io: MemoryIo): string[] {
  return io.err.split('\n').filter((line) => line !== '' && !/^flashcast watch: \d+ messages? in /.test(line));
}

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
    assert.match(
      io.err,
      /^flashcast watch: 4 messages in \d+\.\d s, \S+ kB \(\S+ kB on the wire\), 0 gaps, 0 repeats, 0 reconnects, intervals p50 .* ms\n$/,
    );
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
      assert.deepEqual([await ended, remarks(io), io.lines.length], [0, [], 3]);
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
    assert.deepEqual(remarks(io), [
      'flashcast watch: 7-1 came again',
      'flashcast watch: gap: expected 7-2 or 8-0, got 7-3',
    ]);
    assert.match(io.err, /, 1 gap, 1 repeat, 0 reconnects, /);
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
    assert.deepEqual(remarks(io), ['flashcast watch: a new run begins at 2-0']);
  });

  it('ends with 130 when it is interrupted before the count came', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '2'], io);
    await builder.connected();
    io.interrupt();
    assert.equal(await ended, 130);
  });

  it('ends with 1 when the server closes and it is not to connect again, and says how', async () => {
    const builder = use(await TestBuilder.start({ reception: 'accept-and-close' }));
    const io = new MemoryIo();
    assert.equal(await watch([builder.url, '--no-reconnect'], io), 1);
    assert.equal(io.err, `flashcast watch: 127.0.0.1:${builder.port}: closed the connection: 1000\n`);
  });

  it('connects again behind what it had, says so, and misses nothing', async () => {
    const builder = use(await TestBuilder.start({ resumes: true }));
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '6', '--json'], io);
    const [connection] = await builder.connected();
    for (const index of [0, 1, 2]) builder.sendText(block(5, index));
    connection!.close(1001);
    await builder.changes.until(() => connection!.closed, 'the end of the first connection');
    for (const index of [3, 4, 5]) builder.sendText(block(5, index));
    assert.equal(await ended, 0);
    assert.deepEqual(
      io.lines.map((line) => (JSON.parse(line) as { index: number }).index),
      [0, 1, 2, 3, 4, 5],
    );
    const [closed, connected, ...more] = remarks(io);
    assert.match(closed!, /^flashcast watch: closed the connection: 1001; again in \d\.\d s$/);
    assert.equal(connected, 'flashcast watch: connected again');
    assert.deepEqual(more, []);
    assert.match(io.err, /, 0 gaps, 0 repeats, 1 reconnect, /);
  });

  it('keeps its position in a file and begins behind it', async () => {
    const builder = use(await TestBuilder.start({ resumes: true }));
    const folder = use(await TemporaryFolder.create());
    const file = folder.path('position.json');
    const first = new MemoryIo();
    const ended = watch([builder.url, '--count', '2', '--resume', file], first);
    await builder.connected();
    for (const index of [0, 1]) builder.sendText(block(5, index));
    assert.equal(await ended, 0);
    assert.deepEqual(JSON.parse(folder.read('position.json')), {
      block_number: 5,
      flashblock_index: 1,
      payload_id: chain.payloadId(5),
    });
    for (const index of [2, 3]) builder.sendText(block(5, index));
    const second = new MemoryIo();
    assert.equal(await watch([builder.url, '--count', '2', '--resume', file, '--snapshot'], second), 0);
    assert.deepEqual(
      second.lines.map((line) => line.split(/ +/)[1]),
      ['5-2', '5-3'],
    );
    assert.match(folder.read('position.json'), /"flashblock_index":3/);
    assert.deepEqual(folder.names, ['position.json']);
  });

  it('tells a gap at the place where it was stopped', async () => {
    const builder = use(await TestBuilder.start());
    const folder = use(await TemporaryFolder.create());
    folder.write('position.json', '{"block_number":5,"flashblock_index":1}');
    const io = new MemoryIo();
    const ended = watch([builder.url, '--count', '1', '--resume', folder.path('position.json')], io);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 4));
    assert.equal(await ended, 1);
    assert.deepEqual(remarks(io), ['flashcast watch: gap: expected 5-2 or 6-0, got 5-4']);
  });

  for (const [what, text] of [
    ['is no JSON', 'x'],
    ['holds something else', '{"block_number":-1,"flashblock_index":0}'],
    ['holds half a position', '{"block_number":1}'],
  ] as const)
    it(`refuses a position file that ${what} with 2`, async () => {
      const folder = use(await TemporaryFolder.create());
      folder.write('position.json', text);
      const io = new MemoryIo();
      assert.equal(await watch(['ws://127.0.0.1:1/', '--resume', folder.path('position.json')], io), 2);
      assert.match(io.err, /^flashcast watch: --resume: the file holds no position; remove it/);
    });

  it('ends with 1 when its position cannot be written', async () => {
    const builder = use(await TestBuilder.start());
    const folder = use(await TemporaryFolder.create());
    const io = new MemoryIo();
    const ended = watch([builder.url, '--resume', folder.path('none/position.json')], io);
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    assert.equal(await ended, 1);
    assert.match(io.err, /--resume: ENOENT/);
  });

  it('records every frame as it came, and overwrites nothing', async () => {
    const builder = use(await TestBuilder.start());
    const folder = use(await TemporaryFolder.create());
    const file = folder.path('stream.jsonl');
    const ended = watch([builder.url, '--count', '4', '--record', file], new MemoryIo());
    const [connection] = await builder.connected();
    connection!.sendText(block(5, 0));
    connection!.sendBinary(block(5, 1));
    connection!.sendBrotli(block(5, 2));
    connection!.sendBinary(Buffer.from('ff00fe01fd02', 'hex'));
    assert.equal(await ended, 0);
    const frames = [];
    for await (const frame of readRecording(file)) frames.push(frame);
    assert.deepEqual(
      frames.map(({ isText, bytes }) => [isText, bytes]),
      [
        [true, block(5, 0)],
        [false, block(5, 1)],
        [false, brotliCompressSync(block(5, 2))],
        [false, Buffer.from('ff00fe01fd02', 'hex')],
      ],
    );
    assert.equal(frames[0]!.atMs, 0);
    const io = new MemoryIo();
    assert.equal(await watch([builder.url, '--record', file], io), 2);
    assert.match(io.err, /^flashcast watch: --record: EEXIST/);
  });

  it('asks for a snapshot, and for terms by their kind', async () => {
    const builder = use(await TestBuilder.start());
    const io = new MemoryIo();
    const [address, topic] = [`0x${'a1'.repeat(20)}`, `0x${'c3'.repeat(32)}`];
    const ended = watch([builder.url, '--snapshot', '--filter', topic, '--filter', address], io);
    await builder.connected();
    assert.equal(builder.attempts[0]!.url, `/ws?addresses=${address}&topics=${topic}&snapshot=block`);
    io.interrupt();
    assert.equal(await ended, 0);
    const refused = new MemoryIo();
    assert.equal(await watch([builder.url, '--filter', '0x12'], refused), 2);
    assert.match(
      refused.err,
      /--filter: expected 0x and 40 hex digits \(an address\) or 64 \(a topic\), received "0x12"/,
    );
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
    assert.equal(await watch([url, '--no-reconnect'], second), 1);
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
    assert.match(io.err, /: no message within 30 ms\n$/);
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
    const ended = watch([builder.url, '--count', '40'], {
      stdout: slow,
      stderr: io.stderr,
      interrupted: io.interrupted,
    });
    await builder.connected();
    const other = use(await ClientSwarm.connect({ port: builder.port, clients: 1 }));
    const [watched] = await builder.connected(2);
    // More than the watch and the kernel's socket buffers hold, so that what the watch does not read stays with the builder.
    for (let sent = 0; sent < 40; sent++) builder.sendText(`{"n":${sent},"x":"${'x'.repeat(1_000_000)}"}`);
    await other.received(40);
    assert.ok(watched!.queuedBytes > 0);
    assert.equal(taken, 1);
    take?.();
    assert.equal(await ended, 0);
    assert.equal(taken, 40);
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
