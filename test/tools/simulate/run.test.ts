import assert from 'node:assert/strict';
import { simulate } from '../../../tools/simulate/run.ts';
import { ClientSwarm } from '../../support/client-swarm.ts';
import { MemoryIo } from '../../support/memory-io.ts';
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
    await io.wrote(3);
    io.interrupt();
    assert.equal(await ended, 0);
    assert.match(io.lines[1]!, /^\S+Z block 70: 11 frames, \d+ KiB, [01] clients$/);
    assert.match(io.lines[2]!, /^\S+Z block 71: 11 frames, \d+ KiB, 1 clients$/);
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

  it('prints its flags for --help', async () => {
    const io = new MemoryIo();
    assert.equal(await simulate(['--help'], io), 0);
    assert.match(io.out, /--stall-every N {2,}/);
  });
});
