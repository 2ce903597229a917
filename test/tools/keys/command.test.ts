import { strict as assert } from 'node:assert';
import { readKeysCommand, USAGE } from '../../../tools/keys/command.ts';

const NOW = Date.UTC(2026, 10, 23);

function problems(...argv: string[]): readonly string[] {
  const command = readKeysCommand(argv, NOW);
  return command.kind === 'refused' ? command.problems : [];
}

describe('the command line of flashcast keys', () => {
  it('asks for a key of an application, with a limit and an end', () => {
    assert.deepEqual(readKeysCommand(['new', 'acme'], NOW), { kind: 'new', application: 'acme' });
    assert.deepEqual(readKeysCommand(['new', '--limit', '5', 'acme', '--expires=2027-01-31'], NOW), {
      kind: 'new',
      application: 'acme',
      limit: 5,
      expiresAt: Date.UTC(2027, 0, 31),
    });
    assert.deepEqual(readKeysCommand(['new', 'acme', '--expires', '2027-01-31T12:00:00+01:00'], NOW), {
      kind: 'new',
      application: 'acme',
      expiresAt: Date.UTC(2027, 0, 31, 11),
    });
  });

  it('asks for a hash, or for help', () => {
    assert.deepEqual(readKeysCommand(['hash'], NOW), { kind: 'hash' });
    for (const argv of [['--help'], ['-h'], ['new', '--help'], ['hash', 'x', '-h']])
      assert.deepEqual(readKeysCommand(argv, NOW), { kind: 'help' });
    for (const word of ['new', 'hash', '--limit', '--expires']) assert.match(USAGE, new RegExp(`^ *${word} `, 'm'));
  });

  it('is refused with every problem', () => {
    assert.deepEqual(problems('new', 'a:b', 'c', '--limit=0', '--expires', '2026-11-23', '--limt', '3'), [
      '--limit: expected a whole number from 1 to 999999999, received "0"',
      '--limt: unknown flag; did you mean --limit?',
      '--expires: expected a time to come, it is 2026-11-23T00:00:00Z',
      'new: expected one application, received 3 words',
      'new: expected an application of at most 128 printable characters, without white space, colons and # in front',
    ]);
    assert.deepEqual(problems('new'), ['new: expected the name of an application']);
    assert.deepEqual(problems(), ['expected new or hash']);
    assert.deepEqual(problems('toString'), ['expected new or hash']);
    assert.match(problems('hash', '--limit=5')[0] ?? '', /^hash: takes no flags/);
    for (const expires of ['2027-02-30', '2027', 'tomorrow', '2027-01-31T00:00:00', ''])
      assert.match(problems('new', 'a', `--expires=${expires}`)[0] ?? '', /^--expires: expected a /, expires);
  });

  it('takes no key, and does not repeat one that stands there', () => {
    for (const argv of [
      ['hash', 'S3cretKey'],
      ['hash', 'S3cretKey', 'x'],
      ['S3cretKey'],
      ['new', 'a', 'S3cretKey'],
      ['new', 'a:S3cretKey'],
    ]) {
      const found = problems(...argv);
      assert.ok(found.length > 0);
      assert.doesNotMatch(found.join('\n'), /S3cret/);
    }
  });
});
