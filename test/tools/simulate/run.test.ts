import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import { Recorder } from '../../../tools/recording.ts';
import { simulate } from '../../../tools/simulate/run.ts';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { MemoryIo } from '../../support/memory-io.ts';
import { flashblockJson } from '../../support/messages.ts';
import { TemporaryFolder } from '../../support/temporary-folder.ts';
import { usesResources } from '../../support/use.ts';

describe('flashcast simulate', () => {
  const use = usesResources();

  it('publishes where it says until it is interrupted, a line per block, and ends with 0', async () => {
    const io = new MemoryIo();
    const ended = simulate(['--listen', '127.0.0.1:0', '--interval-ms', '2', '--start-block', '70'], io);
    await io.wrote(1);
    const url = /publishing on (ws:\/\/127\.0\.0\.1:\d+\/)$/.exec(io.lines[0]!)?.[1];
    const swarm = use(await ClientSwarm.connect({ port: Number(new URL(url!).port), clients: 1 }));
    await swarm.received(3);
    await io.changes.until(() => / block \d+: 11 frames, \d+ KiB, 1 clients$/m.test(io.out), 'a block with a client');
    io.interrupt();
    assert.equal(await ended, 0);
    assert.match(io.lines[1]!, /^\S+Z block 70: 11 frames, \d+ KiB, [01] clients$/);
    assert.equal(io.err, '');
  });

  it('ends at once when it was interrupted before it listened', async () => {
    const io = new MemoryIo();
    io.interrupt();
    assert.equal(await simulate(['--listen', '127.0.0.1:0'], io), 0);
  });

  it('ends with 1 where it cannot listen', async () => {
    const io = new MemoryIo();
    assert.equal(await simulate(['--listen', '203.0.113.1:8546'], io), 1);
    assert.match(io.err, /^flashcast simulate: cannot listen on 203\.0\.113\.1:8546: .*EADDRNOTAVAIL/);
  });

  it('refuses a wrong command line with 2 and every problem', async () => {
    const io = new MemoryIo();
    assert.equal(await simulate(['--skp', '0.1', '--frame', 'x', '--listen', 'nowhere'], io), 2);
    assert.deepEqual(io.err.split('\n'), [
      'flashcast simulate: --skp: unknown flag; did you mean --skip?',
      'flashcast simulate: --frame: expected one of text, binary, brotli, received "x"',
      'flashcast simulate: --listen: expected HOST:PORT, received "nowhere"',
      "Try 'flashcast simulate --help'.",
      '',
    ]);
    assert.equal(io.out, '');
  });

  for (const listen of ['127.0.0.1', ':8546', '127.0.0.1:65536', '::1:8546', '127.0.0.1:x'])
    it(`refuses to listen on ${listen}`, async () => {
      assert.equal(await simulate(['--listen', listen], new MemoryIo()), 2);
    });

  it('races several builders with the same content, each on the next port', async () => {
    const io = new MemoryIo();
    const args = ['--listen', '127.0.0.1:0', '--interval-ms', '20', '--start-block', '70'];
    const ended = simulate([...args, '--builders', '2', '--skew', '5ms', '--profile', 'small'], io);
    await io.wrote(2);
    const ports = io.lines.slice(0, 2).map((line) => Number(/:(\d+)\/$/.exec(line)?.[1]));
    const swarm = use(await ClientSwarm.connect({ port: ports[0]!, clients: 1 }));
    const [other] = await swarm.add({ port: ports[1]!, clients: 1 });
    await swarm.received(12);
    await swarm.changes.until(() => other!.received.length >= 12, 'twelve messages of the second builder');
    const [one, two] = [swarm.clients[0]!, other!].map(({ positions }) => positions);
    const shared = one!.filter((position) => two!.includes(position));
    assert.ok(shared.length > 5);
    assert.equal(swarm.messages.length, new Set([...one!, ...two!]).size, 'same positions, same bytes');
    await io.wrote(5);
    assert.match(io.lines.slice(2).join('\n'), /builder [12]: block 70: \d+ frames/);
    io.interrupt();
    assert.equal(await ended, 0);
  });

  it('replays a recording frame by frame once somebody is there, and ends with 0', async () => {
    const folder = use(await TemporaryFolder.create());
    const recorder = await Recorder.create(folder.path('r'));
    const frames = [0, 1, 2].map((index) => flashblockJson({ blockNumber: 5, index }));
    for (const [at, bytes] of frames.entries()) await recorder.write({ atMs: at * 1000, isText: at === 0, bytes });
    await recorder.write({ atMs: 3000, isText: false, bytes: brotliCompressSync(frames[2]!) });
    await recorder.close();
    const io = new MemoryIo();
    const ended = simulate(['--listen', '127.0.0.1:0', '--replay', folder.path('r'), '--speed', '1000'], io);
    await io.wrote(1);
    const port = Number(/:(\d+)\/$/.exec(io.lines[0]!)?.[1]);
    const swarm = use(await ClientSwarm.connect({ port, clients: 1 }));
    assert.equal(await ended, 0);
    await swarm.closed();
    assert.deepEqual(swarm.clients[0]!.frameKinds, ['text', 'identity', 'identity', 'br']);
    assert.deepEqual(swarm.clients[0]!.positions, ['5-0', '5-1', '5-2', '5-2']);
    assert.equal(swarm.clients[0]!.closeCode, 1001);
    assert.match(io.lines[1]!, /replayed 4 frames, \d+ KiB, 1 clients$/);
  });

  it('replays in a loop until it is interrupted', async () => {
    const folder = use(await TemporaryFolder.create());
    folder.write('r', '{"flashcast_recording":1}\n{"at_ms":0,"text":"{}"}\n');
    const io = new MemoryIo();
    const ended = simulate(['--listen', '127.0.0.1:0', '--replay', folder.path('r'), '--loop', '--speed', '1000'], io);
    await io.wrote(1);
    use(await ClientSwarm.connect({ port: Number(/:(\d+)\/$/.exec(io.lines[0]!)?.[1]), clients: 1 }));
    await io.wrote(4);
    io.interrupt();
    assert.equal(await ended, 0);
  });

  it('ends with 1 for what is no recording, and with 0 when it is interrupted before anybody came', async () => {
    const folder = use(await TemporaryFolder.create());
    folder.write('r', '{}\n');
    const io = new MemoryIo();
    const ended = simulate(['--listen', '127.0.0.1:0', '--replay', folder.path('r')], io);
    await io.wrote(1);
    use(await ClientSwarm.connect({ port: Number(/:(\d+)\/$/.exec(io.lines[0]!)?.[1]), clients: 1 }));
    assert.equal(await ended, 1);
    assert.equal(io.err, 'flashcast simulate: --replay: line 1: not a recording of flashcast watch --record\n');
    const alone = new MemoryIo();
    const waiting = simulate(['--listen', '127.0.0.1:0', '--replay', folder.path('r')], alone);
    await alone.wrote(1);
    alone.interrupt();
    assert.equal(await waiting, 0);
  });

  it('refuses faults and flags that contradict each other, each with a sentence', async () => {
    const io = new MemoryIo();
    const argv = ['--skip', '0.1', '--fault', 'skip=0.2,dup=2', '--builders', '2', '--replay', 'x', '--speed', '0'];
    assert.equal(await simulate([...argv, '--listen', '127.0.0.1:65535'], io), 2);
    assert.deepEqual(io.err.split('\n').slice(0, -2), [
      'flashcast simulate: --fault: "dup=2": expected a share from 0 to 1, such as dup=0.01',
      'flashcast simulate: --fault: --skip names the same',
      'flashcast simulate: --builders: there are not so many ports behind that of --listen',
      'flashcast simulate: --speed: expected 0.01 to 1000, received "0"',
      'flashcast simulate: --replay has one builder',
    ]);
    const loop = new MemoryIo();
    assert.equal(await simulate(['--loop'], loop), 2);
    assert.match(loop.err, /--loop and --speed need --replay/);
  });

  it('prints its flags for --help', async () => {
    const io = new MemoryIo();
    assert.equal(await simulate(['--help'], io), 0);
    assert.match(io.out, /--stall-every N {2,}/);
  });
});
