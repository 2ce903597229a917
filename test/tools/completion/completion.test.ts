import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { TOOLS } from '../../../bin/programs.ts';
import { SERVING_PROGRAMS } from '../../../shared/config/program.ts';
import { flagsOfHelp } from '../../../tools/completion/flags-of-help.ts';
import { completion } from '../../../tools/completion/run.ts';
import type { Shell } from '../../../tools/completion/scripts.ts';

async function run(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await completion(argv, { stdout, stderr, interrupted: new AbortController().signal });
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  return { status, out: text(stdout), err: text(stderr) };
}

/** A program as the shell would be asked: what it offers behind these words, the last one unfinished. */
const OFFERS: Readonly<Record<Shell, (script: string, words: readonly string[]) => string>> = {
  bash: (script, words) => {
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _flashcast; echo "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' });
  },
  // What zsh's own functions do with an answer is to leave out what does not begin with the last word.
  zsh: (script, words) => {
    const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; setopt ksharrays; _flashcast; print -rl -- "\${COMPREPLY[@]}"`;
    const loaded = `autoload -U compinit && compinit -D -u\n${script}\n`;
    const offered = execFileSync('zsh', ['-f', '-c', `${loaded}${ask}`], { encoding: 'utf8' });
    return offered
      .split('\n')
      .filter((word) => word.startsWith(words.at(-1) ?? ''))
      .join('\n');
  },
  fish: (script, words) =>
    execFileSync('fish', ['--no-config', '-c', `${script}\ncomplete -C '${words.join(' ')}'`], { encoding: 'utf8' }),
};

describe('the completion of shells', function () {
  this.timeout(20_000);

  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    const title = `of ${shell} offers programs, flags and the values of flags`;
    if (spawnSync(shell, ['-c', 'true']).error !== undefined) {
      it(`${title} (pending: there is no ${shell} here)`);
      continue;
    }
    it(title, async () => {
      const { status, out } = await run(shell);
      assert.equal(status, 0);
      const offered = (...words: string[]): string[] =>
        OFFERS[shell](out, ['flashcast', ...words])
          .split(/[\s\n]+/)
          .filter((word) => word !== '');
      assert.deepEqual(
        offered('')
          .filter((word) => !word.startsWith('-'))
          .sort(),
        [...SERVING_PROGRAMS, ...Object.keys(TOOLS)].sort(),
      );
      assert.deepEqual(offered('pro'), ['proxy']);
      assert.deepEqual(
        offered('edge', '--listen').filter((word) => word.startsWith('--')),
        ['--listen-addr'],
      );
      assert.deepEqual(offered('watch', '--encoding', 'id'), ['identity']);
      assert.ok(offered('keys', '').includes('hash'));
    });
  }

  it('takes its flags from a help text, with their further names and closed lists of values', () => {
    const help = [
      'Usage: x [flags]',
      '',
      '  --a-b, --c.d one|two  [A_B]',
      '      Text with --not-a-flag.',
      '  -h, --help',
      '',
    ];
    assert.deepEqual(flagsOfHelp(help.join('\n')), [
      { name: '--a-b', choices: ['one', 'two'] },
      { name: '--c.d', choices: ['one', 'two'] },
      { name: '--help', choices: [] },
    ]);
  });

  it('refuses other shells and more words', async () => {
    for (const argv of [[], ['tcsh'], ['bash', 'zsh'], ['bash', '--all'], ['toString']]) {
      const { status, out, err } = await run(...argv);
      assert.deepEqual([status, out], [2, '']);
      assert.match(err, /^flashcast completion: /m);
    }
  });
});
