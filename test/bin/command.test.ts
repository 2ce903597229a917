import { strict as assert } from 'node:assert';
import { runCommand } from '../../bin/command.ts';
import { FakeHost } from './support/fake-host.ts';

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const host = new FakeHost();
  const status = await runCommand(args, host);
  return { status, out: host.out, err: host.err };
}

describe('the command flashcast', () => {
  it('lists its programs on request, and without a program as an error', async () => {
    for (const flag of ['--help', '-h', 'help']) {
      const { status, out, err } = await run(flag);
      assert.deepEqual([status, err], [0, '']);
      for (const program of ['proxy', 'ingest', 'edge', 'simulate', 'watch'])
        assert.match(out, new RegExp(`^  ${program} `, 'm'));
    }
    const { status, out, err } = await run();
    assert.deepEqual([status, out], [2, '']);
    assert.match(err, /^Usage: flashcast PROGRAM/);
  });

  it('tells its release', async () => {
    for (const flag of ['--version', '-V']) {
      const { status, out } = await run(flag);
      assert.equal(status, 0);
      assert.match(out, /^flashcast \d+\.\d+\.\d+ \(\w+\)\n$/);
    }
  });

  it('tells the nearest program of a mistyped one', async () => {
    assert.deepEqual(await run('prox'), {
      status: 2,
      out: '',
      err: 'flashcast: no program "prox"; did you mean proxy?\n',
    });
    assert.deepEqual(await run('Edges'), {
      status: 2,
      out: '',
      err: 'flashcast: no program "Edges"; did you mean edge?\n',
    });
    for (const name of ['frobnicate', '--frobnicate', 'toString', '__proto__', '', '\u001b[2J']) {
      const { status, err } = await run(name);
      assert.equal(status, 2);
      assert.match(err, /^flashcast: no program "[\x20-\x7e]*"; flashcast --help lists the programs\n$/);
    }
  });

  it('prints texts on standard output with status 0, and problems on standard error with status 2', async () => {
    for (const flag of ['--help', '--print-config', '--check']) {
      const { status, out, err } = await run('proxy', '--demo', flag);
      assert.deepEqual([status, err], [0, '']);
      assert.notEqual(out, '');
    }
    const { status, out, err } = await run('edge', '--frobnicate');
    assert.deepEqual([status, out], [2, '']);
    assert.match(
      err,
      /^flashcast edge: 2 problems in its settings\n {2}--frobnicate: unknown flag; .*\n {2}REDIS_URL: not set, .*\n$/,
    );
  });
});
