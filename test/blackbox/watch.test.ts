import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openProgramsRedis } from '../support/blackbox-redis.ts';
import { TestBuilder } from '../support/builder.ts';
import { PacedStream } from '../support/paced-stream.ts';
import { Changes } from '../support/changes.ts';
import { freePort, Program } from '../support/program.ts';
import { startDemo, startEdge, startIngest } from '../support/stack.ts';
import { TemporaryFolder } from '../support/temporary-folder.ts';
import { usesResources } from '../support/use.ts';

const FLASHCAST = new URL('../../dist/bin/flashcast.js', import.meta.url).pathname;

/** The positions that a watch with --json printed. */
function positions({ stdout }: Program): string[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { block: number; index: number })
    .map(({ block, index }) => `${block}-${index}`);
}

describe('black box: flashcast watch', function () {
  this.timeout(90_000);
  const use = usesResources();

  for (const [how, signal, reason] of [
    ['restart', 'SIGTERM', /1001.*again in/],
    ['death', 'SIGKILL', /again in/],
  ] as const)
    it(`misses and repeats nothing over the ${how} of an edge and a restart of its own`, async () => {
      const redis = use(await openProgramsRedis());
      const builder = use(await TestBuilder.start());
      use(await startIngest([builder.url], redis.url, redis.settings));
      await builder.connected();
      const port = String(await freePort());
      const startOnPort = async () =>
        (await startEdge(redis.url, { ...redis.settings, LISTEN_ADDR: `127.0.0.1:${port}` })).ready();
      const first = use(await startOnPort());
      const folder = use(await TemporaryFolder.create());
      const args = ['watch', `ws://127.0.0.1:${port}/ws`, '--json', '--resume', folder.path('position')];
      const watch = use(Program.start(args));
      while ((await first.metric('flashcast_clients')) < 1 && !watch.ended);
      const stream = use(new PacedStream(builder, 50));
      const seen = async (program: Program, count: number): Promise<void> =>
        program.changes.until(
          () => positions(program).length >= count,
          () => `${count} lines; has ${positions(program).length}: ${program.stderr}`,
          40_000,
        );
      await seen(watch, 10);
      first.program.signal(signal);
      await first.program.exit;
      const second = use(await startOnPort());
      await seen(watch, positions(watch).length + 30);
      watch.signal('SIGINT');
      assert.deepEqual(await watch.exit, { code: 0, signal: null });
      assert.match(watch.stderr, reason);
      assert.match(watch.stderr, /connected again; the server resumes: complete\n/);
      assert.match(watch.stderr, /, 0 gaps, 0 repeats, [1-9]\d* reconnects?, /);

      const later = use(Program.start([...args, '--count', '30']));
      await later.exit;
      stream.stop();
      const all = [...positions(watch), ...positions(later)];
      assert.deepEqual(all, stream.sent.slice(stream.sent.indexOf(all[0]!)).slice(0, all.length));
      assert.match(later.stderr, /resumes: complete[^]*, 0 gaps, 0 repeats, 0 reconnects, /);
      assert.equal(second.program.ended, false);
    });

  for (const [what, env, colored] of [
    ['in colours', {}, true],
    ['without colours where NO_COLOR is set', { NO_COLOR: '1' }, false],
  ] as const)
    it(`draws its table on a terminal ${what}, gives the terminal back at Ctrl-C, and ends with 0`, async function () {
      if (spawnSync('script', ['--version']).error !== undefined) return this.skip();
      const proxy = use(await startDemo());
      await proxy.ready();
      const command = `exec '${process.execPath}' '${FLASHCAST}' watch ${proxy.url}`;
      const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], TERM: 'xterm', ...env },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      const changes = new Changes();
      let shown = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
        changes.notify();
      });
      const closed = once(terminal, 'close');
      await changes.until(
        () => /connected.*gaps 0[^]*block age[^]* ms +-?\+?\d\.\d\d s/.test(shown),
        () => `a table; has ${JSON.stringify(shown.slice(-2000))}`,
      );
      terminal.stdin.write('\u0003');
      assert.deepEqual(await closed, [0, null]);
      const [table, after] = shown.split('\u001b[?1049l');
      assert.ok(table!.includes('\u001b[?1049h'));
      assert.equal(table!.includes('\u001b[32mconnected\u001b[0m'), colored);
      assert.equal(table!.includes('\u001b[0m'), colored);
      assert.ok(table!.endsWith('\u001b[?25h'));
      assert.match(after!, /^flashcast watch: \d+ messages? in .*, 0 gaps/);
    });

  it('ends with 141 when the reader of its output goes away, and says nothing', async () => {
    const proxy = use(await startDemo());
    await proxy.ready();
    const watch = spawn(process.execPath, [FLASHCAST, 'watch', proxy.url], { stdio: ['ignore', 'pipe', 'pipe'] });
    let remarks = '';
    watch.stderr.on('data', (chunk) => (remarks += String(chunk)));
    await once(watch.stdout, 'data');
    watch.stdout.destroy();
    assert.deepEqual(await once(watch, 'close'), [141, null]);
    assert.equal(remarks, '');
  });
});
