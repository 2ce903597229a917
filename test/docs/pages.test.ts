import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { exists, linksOf, readPages } from './support/pages.ts';

const FLASHCAST = new URL('../../dist/bin/flashcast.js', import.meta.url).pathname;
const PACKAGE = new URL('../../package.json', import.meta.url);
/** What npm has commands of its own for. */
const NPM_COMMANDS = ['ci', 'start', 'test', 'install', 'i', 'pack'];

describe('the documentation', () => {
  const pages = readPages();

  it('has no link to a file or a heading that is not there', () => {
    const dead = pages.flatMap((page) =>
      linksOf(page)
        .filter(({ target, anchor }) => !exists(target, anchor, pages))
        .map(({ target, anchor }) => `${page.path}: ${target}${anchor === '' ? '' : `#${anchor}`}`),
    );
    assert.deepEqual(dead, []);
    assert.ok(pages.flatMap(linksOf).length > 20);
  });

  it('names no program and no flag of flashcast that is not there', () => {
    const commands = pages.flatMap(({ path, commands: lines }) =>
      lines.flatMap((line) => {
        const [, words] = /^(?:[A-Z_0-9]+=\S+ )*(?:npx |docker run .* )?flashcast (.+)$/.exec(line) ?? [];
        return words === undefined ? [] : [{ path, line, words: words.split(/\s+/) }];
      }),
    );
    assert.ok(commands.length > 5, `${commands.length} commands`);
    const helps = new Map<string, string>();
    const unknown: string[] = [];
    for (const { path, line, words } of commands) {
      const program = words.find((word) => !word.startsWith('-'));
      if (program === undefined || program === 'PROGRAM') continue;
      const help = helps.get(program) ?? helpOf(program);
      helps.set(program, help);
      const flags = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*$/, ''));
      const missing = flags.filter((flag) => !new RegExp(`${flag}(?![\\w-])`).test(help));
      if (help === '' || missing.length > 0) unknown.push(`${path}: ${line}`);
    }
    assert.deepEqual(unknown, []);
  });

  it('names no script of npm that is not there', () => {
    const { scripts } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { scripts: Record<string, string> };
    const named = pages.flatMap(({ path, commands }) =>
      commands.flatMap((line) => {
        const [, words = ''] = /^(?:[A-Z_0-9]+=\S+ )*npm (.+)$/.exec(line) ?? [];
        const [verb = '', script = ''] = words.split(/\s+/);
        const known = verb === 'run' ? Object.hasOwn(scripts, script) : NPM_COMMANDS.includes(verb);
        return words === '' || known ? [] : [`${path}: ${line}`];
      }),
    );
    assert.deepEqual(named, []);
  });
});

/** @returns an empty text for a program that is not there */
function helpOf(program: string): string {
  try {
    return execFileSync(process.execPath, [FLASHCAST, program, '--help'], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    return '';
  }
}
