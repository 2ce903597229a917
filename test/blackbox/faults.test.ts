import assert from 'node:assert/strict';
import { freePort, Program } from '../support/program.ts';
import { startProxy } from '../support/stack.ts';
import { usesResources } from '../support/use.ts';

describe('black box: two faulty builders of one chain', function () {
  this.timeout(60_000);
  const use = usesResources();

  async function simulate(...faults: string[]): Promise<string> {
    const port = await freePort();
    const args = ['simulate', '--listen', `127.0.0.1:${port}`, '--interval-ms', '40', ...faults];
    const program = use(Program.start(args));
    await program.changes.until(() => program.stdout.includes('publishing on'), 'a builder that listens');
    return `ws://127.0.0.1:${port}/`;
  }

  it('become one sequence that breaks no rule of a base node', async () => {
    const upstreams = [
      await simulate('--skip', '0.1', '--late', '0.1', '--duplicate', '0.1', '--drop-connections', '0.02'),
      await simulate('--frame', 'brotli', '--duplicate', '0.1', '--rival', '0.3'),
    ];
    // Holds end by the repair and silences are none, however slow the machine is.
    const proxy = use(
      await startProxy(upstreams, { GAP_REPAIR_MS: '10000', TAKEOVER_MS: '10000', RESTART_MS: '10000' }),
    );
    await proxy.ready();
    await proxy.program.changes.until(
      () => proxy.program.log.filter(({ msg }) => msg === 'upstream connected').length >= 2,
      'both upstreams',
    );
    const { code, stdout, stderr } = await Program.run(['watch', proxy.url, '--count', '150', '--json']);
    assert.match(stderr, /^flashcast watch: 150 messages in .*, 0 gaps, 0 repeats, 0 reconnects, .*\n$/);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(
      new Set(lines.map((line) => JSON.stringify({ ...JSON.parse(line), time: 0, interval_ms: 0 }))).size,
      150,
    );
    assert.ok((await proxy.metric('flashcast_upstream_duplicates_total')) > 50);
    assert.ok((await proxy.metric('flashcast_upstream_conflicts_total')) > 5);
  });
});
