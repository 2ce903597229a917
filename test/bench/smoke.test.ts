import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/main.mjs', import.meta.url));

/** Output and exit status of `npm run bench` with these flags, without the build. */
async function runBench(
  ...flags: string[]
): Promise<{ readonly status: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

describe('npm run bench', () => {
  it('measures both programs and prints a table', async function () {
    // A busy machine takes seconds for each of the processes that come up one after the other.
    this.timeout(120_000);
    const { status, out, err } = await runBench('--smoke');
    assert.equal(status, 0, `${out}${err}`);
    for (const name of ['baseline', 'flashcast'])
      assert.match(
        out,
        new RegExp(`fanout-1000-pings 1/1 ${name}: 20/20 clients in .* 3 messages, 0 lost, 0 repeated`),
      );
    assert.match(
      out,
      /\| 10 clients of an edge, with ingest and Redis before it \| latency, p50 \| [\d.]+ ms \| baseline [\d.]+ ms \|/,
    );
  });

  it('refuses a row that there is not, and lists those that there are', async () => {
    const { status, err } = await runBench('--row', 'fanout');
    assert.equal(status, 2);
    assert.match(err, /^--row: there is no row fanout; there are fanout-1000, /);
  });
});
