import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisOrigin } from '../support/redis.ts';
import { usesResources } from '../support/use.ts';
import { BuildCopy, BUGS, mutate, type BugName } from './bugs.ts';
import type { Row } from './row.ts';
import { runRow } from './run-row.ts';
import type { RowVerdict } from './verdict.ts';

const SEED = 4;

describe('chaos: the suite itself', function () {
  this.timeout(60_000);
  const use = usesResources();

  before('these tests need a Redis of their own, which REDIS_URL cannot be', async function () {
    if ((await redisOrigin()) === undefined) this.skip();
  });

  /** A short row in which both bugs show: the edge misses messages, and two ingests have two builders. */
  const missedMessages: Row = {
    name: 'missed-messages',
    fault: 'the only edge hears nothing from Redis until it notices',
    demands: { lost: 'nothing', silenceMs: 3000 },
    world: { edges: 1, nodes: 10, bystanders: 2, everyMs: 50 },
    async run({ edgeRelays, feed }) {
      edgeRelays[0]!.mute('answer');
      await feed.forMs(2000);
    },
  };

  async function run(bug?: BugName): Promise<RowVerdict> {
    const build = use(await BuildCopy.make(bug));
    const logs = join(tmpdir(), `flashcast-chaos-test-${bug ?? 'none'}-${process.pid}`);
    use({ [Symbol.asyncDispose]: () => rm(logs, { recursive: true, force: true }) });
    return runRow({ row: missedMessages, seed: SEED, build: build.folder, logs });
  }

  it('passes a row over the programs as they are built', async () => {
    const { wrong, clients, messages } = await run();
    assert.deepEqual(wrong, []);
    assert.ok(clients === 10 && messages > 40);
  });

  it('fails the row when gap fill is off, and the row when dedupe is off', async () => {
    const [gapFill, dedupe] = await Promise.all([run('gap-fill-off'), run('dedupe-off')]);
    assert.ok(
      gapFill.lost > 0 && gapFill.wrong.some((sentence) => sentence.includes(' lost: ')),
      gapFill.wrong.join('\n'),
    );
    assert.ok(dedupe.repeated > 0 && dedupe.wrong.some((sentence) => sentence.includes(' again: ')));
  });
});

describe('chaos: bugs on purpose', () => {
  const change = { file: 'a.js', snippet: 'if (a)', replacement: 'if ($&)' };

  it('replace the one place where the snippet stands, as it is written', () => {
    assert.equal(mutate('x; if (a) y;', change), 'x; if ($&) y;');
  });

  it('are refused where it stands nowhere, or more than once', () => {
    assert.throws(() => mutate('x; y;', change), /a\.js holds 0 times/);
    assert.throws(() => mutate('if (a) if (a) y;', change), /a\.js holds 2 times/);
  });

  it('fit the build', async () => {
    for (const bug of Object.keys(BUGS) as BugName[]) await (await BuildCopy.make(bug))[Symbol.asyncDispose]();
  });
});
