import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRETS, WRONG_CONFIGURATIONS } from '../shared/config/wrong-configurations.ts';
import { Child, type ChildOptions } from './support/child.ts';

/** The built command. */
const FLASHCAST = new URL('../../dist/bin/flashcast.js', import.meta.url);
const PROGRAM_PROCESS = new URL('./support/program-process.ts', import.meta.url);

describe('the process of flashcast', () => {
  let cwd: string;
  before(() => (cwd = mkdtempSync(join(tmpdir(), 'flashcast-bin-'))));
  after(() => rmSync(cwd, { recursive: true }));

  const started = new Set<Child>();
  const child = (module: URL, options: ChildOptions): Child => {
    const made = new Child(module, { cwd, ...options });
    started.add(made);
    return made;
  };
  afterEach(() => {
    for (const { process } of started) process.kill('SIGKILL');
    started.clear();
  });
  const serving = (behaviour: string, ...args: string[]): Child =>
    child(PROGRAM_PROCESS, { args: [behaviour, '--demo', ...args] });

  for (const { title, program, argv = [], env = {}, files = {}, expected } of WRONG_CONFIGURATIONS) {
    it(`ends with status 2 and every problem, without a stack trace or a secret: ${title}`, async () => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
      const flashcast = child(FLASHCAST, { args: [program, ...argv], env });
      assert.equal(await flashcast.end(), 2);
      for (const name of Object.keys(files)) rmSync(join(cwd, name));
      const [head, ...problems] = flashcast.err.trimEnd().split('\n');
      assert.match(head!, new RegExp(`^flashcast ${program}: ${expected.length} problems? in its settings$`));
      assert.equal(problems.length, expected.length);
      for (const pattern of expected)
        assert.ok(
          problems.some((line) => pattern.test(line.trim())),
          String(pattern),
        );
      assert.doesNotMatch(flashcast.err, /^\s+at /m);
      assert.equal(flashcast.out, '');
      for (const secret of SECRETS) assert.ok(!flashcast.err.includes(secret));
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with status 0 after ${signal}, by itself`, async () => {
      const flashcast = serving('well');
      await flashcast.says('ready');
      flashcast.process.kill(signal);
      assert.equal(await flashcast.end(), 0);
      assert.ok(!flashcast.out.includes('handles left open'));
    });
  }

  it('ends at once at a second signal', async () => {
    const flashcast = serving('hangs');
    await flashcast.says('ready');
    flashcast.process.kill('SIGTERM');
    await flashcast.says('stopping');
    flashcast.process.kill('SIGINT');
    assert.equal(await flashcast.end(), 130);
  });

  it('ends although a handle was left open, and says so', async () => {
    const flashcast = serving('leaks');
    await flashcast.says('ready');
    flashcast.process.kill('SIGTERM');
    assert.equal(await flashcast.end(), 0);
    assert.match(flashcast.out, /"level":"warn".*handles left open/);
  });

  for (const behaviour of ['throws', 'rejects', 'start fails', 'cannot be made']) {
    it(`ends with status 1 and one fatal line with its stack and no secret when the program ${behaviour}`, async () => {
      const flashcast = serving(behaviour);
      assert.equal(await flashcast.end(), 1);
      const fatal = flashcast.out.split('\n').filter((line) => line.includes('"level":"fatal"'));
      assert.equal(fatal.length, 1);
      assert.match(fatal[0]!, /"stack":"Error: [^"]*\\n {4}at /);
      assert.ok(!(flashcast.out + flashcast.err).includes('hunter2'));
      assert.equal(flashcast.err, '');
    });
  }

  it('writes its log as text where that is asked for, also without a secret', async () => {
    const flashcast = serving('throws', '--log-format=text');
    assert.equal(await flashcast.end(), 1);
    assert.match(flashcast.out, /INFO: ready[^]*FATAL: uncaught error[^]*ws:\/\/host\/\*\*\*/);
    assert.ok(!flashcast.out.includes('hunter2'));
  });
});
